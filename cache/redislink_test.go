package cache_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"scalegraph/cache/redistest"
	"scalegraph/internal/redisx"
)

// redisLink connects clients to a real server and can cut them off. It works in a synctest bubble: time stands still there while a
// reply is on its way.
type redisLink struct {
	server *redistest.Server

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

// restart empties the server and closes all connections. If the link stays down, it accepts no new ones.
func (l *redisLink) restart(down bool) {
	l.server.Do("FLUSHALL")
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.down, l.conns = down, nil
}

func (l *redisLink) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.New("refused")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

// client returns a client that ends with the test. Its pool checks once a second whether it was closed.
func (l *redisLink) client(t testing.TB) *redisx.Client {
	rdb := redis.NewClient(&redis.Options{
		Addr: l.server.Addr(), Dialer: l.dial, ContextTimeoutEnabled: true,
		MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, PoolSize: 4,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	client := redisx.New(rdb, redisx.Config{Timeout: time.Second})
	t.Cleanup(func() {
		client.Close()
		time.Sleep(2 * time.Second)
	})
	return client
}
