package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// pipedRedis answers the few commands that the cache uses, over pipes, for tests in a synctest bubble, where no socket may be.
// What a real server does is tested with real servers.
type pipedRedis struct {
	mu    sync.Mutex
	down  bool
	texts map[string]string
	maps  map[string]map[string]string
	ends  map[string]time.Time
	conns []net.Conn
}

func newPipedRedis() *pipedRedis {
	r := &pipedRedis{}
	r.restart(false)
	return r
}

// restart forgets everything and closes all connections; a server that stays down takes no new ones.
func (r *pipedRedis) restart(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.down, r.conns = down, nil
	r.texts, r.maps, r.ends = map[string]string{}, map[string]map[string]string{}, map[string]time.Time{}
}

// end closes what a dial left behind, and outlasts the client's pool, which looks once a second whether it was closed.
func (r *pipedRedis) end() {
	r.restart(true)
	time.Sleep(2 * time.Second)
}

func (r *pipedRedis) client() redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.down {
				return nil, errors.New("refused")
			}
			near, far := net.Pipe()
			r.conns = append(r.conns, far)
			go r.serve(far)
			return near, nil
		},
		MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, PoolSize: 4,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

func (r *pipedRedis) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		r.mu.Lock()
		answer := r.answer(args)
		r.mu.Unlock()
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readNumber(in)
	args := make([]string, 0, max(0, n))
	for range n {
		length, err := readNumber(in)
		if err != nil {
			return nil, err
		}
		b := make([]byte, length+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		args = append(args, string(b[:length]))
	}
	return args, err
}

func readNumber(in *bufio.Reader) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

func bulk(s string, ok bool) string {
	if !ok {
		return "$-1\r\n"
	}
	return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s)
}

// answer does one command. The lock is held.
func (r *pipedRedis) answer(args []string) string {
	if len(args) > 1 {
		r.expire(args[1])
	}
	switch strings.ToUpper(args[0]) {
	case "GET":
		text, ok := r.texts[args[1]]
		return bulk(text, ok)
	case "SET":
		return r.set(args)
	case "HSET":
		if r.maps[args[1]] == nil {
			r.maps[args[1]] = map[string]string{}
		}
		for i := 2; i+1 < len(args); i += 2 {
			r.maps[args[1]][args[i]] = args[i+1]
		}
		return ":1\r\n"
	case "HMGET":
		out := fmt.Sprintf("*%d\r\n", len(args)-2)
		for _, field := range args[2:] {
			text, ok := r.maps[args[1]][field]
			out += bulk(text, ok)
		}
		return out
	case "PEXPIRE":
		return r.live(args[1], args[2])
	case "EVALSHA":
		return "-NOSCRIPT none\r\n"
	case "EVAL":
		return r.eval(args)
	}
	return "-ERR unknown command\r\n"
}

func (r *pipedRedis) set(args []string) string {
	_, there := r.texts[args[1]]
	if slices.ContainsFunc(args, func(s string) bool { return strings.EqualFold(s, "nx") }) && there {
		return "$-1\r\n"
	}
	r.texts[args[1]] = args[2]
	for i, unit := range map[string]string{"px": "", "ex": "000"} {
		if at := slices.IndexFunc(args, func(s string) bool { return strings.EqualFold(s, i) }); at > 0 {
			r.live(args[1], args[at+1]+unit)
		}
	}
	return "+OK\r\n"
}

func (r *pipedRedis) live(key, ms string) string {
	n, _ := strconv.Atoi(ms)
	r.ends[key] = time.Now().Add(time.Duration(n) * time.Millisecond)
	return ":1\r\n"
}

func (r *pipedRedis) expire(key string) {
	if end, ok := r.ends[key]; ok && !time.Now().Before(end) {
		delete(r.texts, key)
		delete(r.maps, key)
		delete(r.ends, key)
	}
}

// eval does the two scripts: EVAL script 1 key args…
func (r *pipedRedis) eval(args []string) string {
	key := args[3]
	r.expire(key)
	kept := r.texts[key]
	if strings.Contains(args[1], "'DEL'") {
		if kept == args[4] {
			delete(r.texts, key)
		}
		return ":1\r\n"
	}
	if strings.HasPrefix(kept, "n") && strings.HasPrefix(args[4], "y") && kept[1:] >= args[4][1:] {
		return ":0\r\n"
	}
	r.texts[key] = args[4]
	return r.live(key, args[5])
}
