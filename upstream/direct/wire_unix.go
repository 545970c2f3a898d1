//go:build unix

package direct

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// able says that idle connections can be looked at, without which it would not be safe to use them again.
const able = true

// wire is a connection of the operating system. While it is hasty its Read does not wait, and says os.ErrDeadlineExceeded instead: TLS can go
// on after that.
type wire struct {
	net.Conn
	socket syscall.RawConn
	hasty  bool
	look   func(socket uintptr) bool // reads into p, without waiting
	p      []byte
	n      int
	err    error
}

func newWire(under net.Conn) (*wire, error) {
	system, ok := under.(syscall.Conn)
	if !ok {
		return nil, errors.New("not a connection of the system")
	}
	socket, err := system.SyscallConn()
	w := &wire{Conn: under, socket: socket}
	w.look = func(socket uintptr) bool {
		w.n, w.err = syscall.Read(int(socket), w.p)
		return true
	}
	return w, err
}

func (w *wire) Read(p []byte) (int, error) {
	if !w.hasty {
		return w.Conn.Read(p)
	}
	w.p = p
	err := w.socket.Read(w.look)
	switch {
	case err != nil:
		return 0, err
	case errors.Is(w.err, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case w.n == 0 && w.err == nil:
		return 0, io.EOF
	}
	return max(0, w.n), w.err
}
