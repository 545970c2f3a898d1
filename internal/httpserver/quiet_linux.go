package httpserver

import (
	"cmp"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quiet has a listener overhear new connections, while those that wait to be accepted stay. To close it at once would break
// those off: the kernel thinks of them as connected, and so do the clients, who have sent their requests. Who is overheard asks again
// after a second, and by then is refused, which every load balancer takes for a reason to ask the next replica.
func quiet(listener net.Listener) error {
	conn, ok := listener.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	// A packet is looked at from its TCP header on: the flags are byte 13, and a new connection is SYN without ACK.
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff}, // let through
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},          // dropped
	}
	program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program)
	})
	return cmp.Or(err, failed)
}

// waiting returns how many connections of a listener wait to be accepted; 0 where that is unknown.
func waiting(listener net.Listener) int {
	conn, ok := listener.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = raw.Control(func(fd uintptr) { // of a closed listener nobody waits
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Unacked) // of a listener, this is its queue
		}
	})
	return n
}
