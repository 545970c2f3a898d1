package observer

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"scalegraph/internal/app"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/testkit"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// A planted fault stands between two packages of a program. The zero value plants none.
type planted struct {
	pages func(loaders.Pages) loaders.Pages
	feeds func(loaders.Feeds) loaders.Feeds
	polls func(changefeed.Pages) changefeed.Pages
}

// inBubble starts a program that runs in a synctest bubble: composed by package app, with default settings and without Redis.
func inBubble(p planted) start {
	return func(t testing.TB, e *emulator.Emulator) replica {
		t.Helper()
		cfg, err := config.Read([]string{"-upstream", "http://emulator.test", "-region", "r", "-project", project}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		api, err := app.New(cfg, app.Options{
			Transport: e.Transport(), WrapPages: p.pages, WrapFeeds: p.feeds, WrapPolls: p.polls,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		r := overPipes(api.Handler)
		stop := r.stop
		r.stop = sync.OnceFunc(func() {
			stop()
			api.Close()
		})
		return r
	}
}

// overPipes serves HTTP over connections in memory, which a bubble can wait for.
func overPipes(h http.Handler) replica {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // ends with an error when it is closed
	transport := &http.Transport{DialContext: l.dial}
	return replica{client{"http://replica.test", &http.Client{Transport: transport}}, func() {
		_ = server.Close()
		transport.CloseIdleConnections()
		serving.Wait()
	}}
}

// pipes is a listener whose connections are pipes. Closing it cuts all of them, as the end of a process does.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}

	mu   sync.Mutex
	open []net.Conn
}

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open = append(l.open, here)
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.open {
			_ = c.Close()
		}
	})
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// overSockets starts programs as a person does, with these arguments. All replicas of one emulator have the same upstream.
func overSockets(url string, args ...string) start {
	return func(t testing.TB, _ *emulator.Emulator) replica {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		out, logs := new(testkit.Buffer), new(testkit.Buffer)
		status := make(chan int, 1)
		all := append([]string{"-listen", "127.0.0.1:0", "-upstream", url, "-region", "r", "-project", project}, args...)
		go func() { status <- app.Main(ctx, all, nil, out, logs) }()
		address := regexp.MustCompile(`http://[0-9.:]+`)
		for address.FindString(out.String()) == "" {
			select {
			case code := <-status:
				t.Fatalf("a replica ended with status %d: %s", code, logs)
			case <-time.After(5 * time.Millisecond):
			}
		}
		transport := &http.Transport{}
		return replica{client{address.FindString(out.String()), &http.Client{Transport: transport}}, sync.OnceFunc(func() {
			cancel()
			transport.CloseIdleConnections()
			if code := <-status; code != 0 {
				t.Errorf("a replica ended with status %d: %s", code, logs)
			}
		})}
	}
}

// served starts replicas over sockets, each world with its own upstream.
func served(args ...string) start {
	var mu sync.Mutex
	urls := map[*emulator.Emulator]string{}
	return func(t testing.TB, e *emulator.Emulator) replica {
		mu.Lock()
		url, ok := urls[e]
		if !ok {
			url = emulatortest.Serve(t, e)
			urls[e] = url
		}
		mu.Unlock()
		return overSockets(url, args...)(t, e)
	}
}
