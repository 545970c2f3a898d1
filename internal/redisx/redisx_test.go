package redisx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
)

// count returns how often a text occurs in a log.
func count(log *testkit.Buffer, text string) int { return strings.Count(log.String(), text) }

func open(t *testing.T, cfg Config) (*Client, *testkit.Buffer) {
	t.Helper()
	log := new(testkit.Buffer)
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, log
}

// lookup sends two reads in one pipeline.
func lookup(t *testing.T, c *Client) error {
	return c.Pipelined(t.Context(), func(p redis.Pipeliner) {
		p.Get(t.Context(), "sg1:a")
		p.HMGet(t.Context(), "sg1:b", "f")
	})
}

// runScript runs a script that writes a key.
func runScript(t *testing.T, c *Client) error {
	_, err := c.Run(t.Context(), redis.NewScript(`return redis.call('SET', KEYS[1], 'v')`), []string{"sg1:s"})
	return err
}

// Errors of the server, also those of single commands in a pipeline and of scripts, open the breaker: later calls fail at once, few connections
// are made, the failure is logged once, and Cause names the reason.
func TestErrorRepliesOpenTheBreaker(t *testing.T) {
	s := redistest.Start(t)
	s.Do("ACL", "SETUSER", "weak", "on", ">p", "~other:*", "+@all")
	s.Do("CONFIG", "SET", "requirepass", "rotated")
	calls := map[string]func(*testing.T, *Client) error{"a pipeline": lookup, "a script": runScript}
	for name, c := range map[string]struct{ url, cause string }{
		"no password":      {s.URL(), "NOAUTH"},
		"wrong password":   {"redis://:old@" + s.Addr(), "WRONGPASS"},
		"unknown database": {"redis://:rotated@" + s.Addr() + "/99", "ERR DB index is out of range"},
		"denied keys":      {"redis://weak:p@" + s.Addr(), "NOPERM"},
		"no server":        {"redis://127.0.0.1:1", "unreachable"},
	} {
		for kind, call := range calls {
			t.Run(name+", "+kind, func(t *testing.T) {
				client, log := open(t, Config{URL: c.url, Timeout: 5 * time.Second})
				var dials countDials
				client.AddHook(&dials)
				for i := range 1000 {
					if err := call(t, client); err == nil || i >= failuresToOpen && !errors.Is(err, ErrOpen) {
						t.Fatalf("call %d: %v", i, err)
					}
				}
				if n := dials.count(); n > 2*failuresToOpen { // go-redis tries to connect twice
					t.Errorf("%d connections for 1000 calls", n)
				}
				if client.State() != StateFailing || !strings.HasPrefix(client.Cause(), c.cause) {
					t.Errorf("%s: %q, want %q", client.State(), client.Cause(), c.cause)
				}
				client.breaker.HalfOpen()
				if err := call(t, client); err == nil || client.State() != StateFailing {
					t.Errorf("the next attempt: %v, %s", err, client.State())
				}
				if n := count(log, "Redis fails"); n != 1 || client.Faults() != failuresToOpen+1 {
					t.Errorf("logged %d times, %d faults", n, client.Faults())
				}
			})
		}
	}
}

type countDials struct {
	mu sync.Mutex
	n  int
}

func (c *countDials) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
		return next(ctx, network, addr)
	}
}

func (c *countDials) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (c *countDials) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *countDials) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// After the cause is gone the breaker closes, and that is logged.
func TestBreakerCloses(t *testing.T) {
	s := redistest.Start(t)
	client, log := open(t, Config{URL: s.URL(), Timeout: time.Second})
	if err := lookup(t, client); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	for range failuresToOpen {
		_ = lookup(t, client)
	}
	s.Restart()
	redistest.Eventually(t, "Redis is used again", func() bool { return lookup(t, client) == nil })
	if client.State() != StateOK || client.Cause() != "" || count(log, "Redis fails") != 1 || count(log, "Redis works again") != 1 {
		t.Errorf("%s %q", client.State(), client.Cause())
	}
}

// A call ends in time although the server does not respond, also while the connection is made.
func TestTimeout(t *testing.T) {
	paused := redistest.Start(t)
	paused.Pause()
	defer paused.Resume()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, url := range map[string]string{"paused": paused.URL(), "silent": "redis://" + silent.Addr().String(), "no route": "redis://192.0.2.1"} {
		t.Run(name, func(t *testing.T) {
			client, _ := open(t, Config{URL: url, Timeout: 80 * time.Millisecond})
			for range failuresToOpen {
				start := time.Now()
				if err := lookup(t, client); err == nil || time.Since(start) > 5*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			}
			if err := lookup(t, client); !errors.Is(err, ErrOpen) {
				t.Errorf("%v, want the breaker open", err)
			}
		})
	}
}

// A key of another type and a missing key are no failures.
func TestValuesThatCannotBeRead(t *testing.T) {
	s := redistest.Start(t)
	client, _ := open(t, Config{URL: s.URL(), Timeout: 5 * time.Second})
	s.Do("SET", "sg1:b", "no hash")
	for range 2 * failuresToOpen {
		if err := lookup(t, client); err != nil {
			t.Fatal(err)
		}
	}
}

// The documented user may do what the server does. A user without rights on channels is reported, once for each command, until it has them again.
func TestDeniedChannelsAreReported(t *testing.T) {
	s := redistest.Start(t)
	client, log := open(t, Config{URL: s.DocumentedUser(), Timeout: 5 * time.Second})
	received := make(chan string, 100)
	sub := client.Subscribe(func(channel string, message []byte) { received <- channel + " " + string(message) })
	defer sub.Close()
	sub.Add("sg1:changes:x")
	publish := func() error { return client.Publish(t.Context(), "sg1:changes:x", []byte("m")) }
	delivered := func() bool {
		return publish() == nil && len(received) > 0 && <-received == "sg1:changes:x m"
	}
	redistest.Eventually(t, "a message", delivered)
	script := redis.NewScript(`redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000) return redis.call('PTTL', KEYS[1])`)
	if _, err := client.Run(t.Context(), script, []string{"sg1:s"}, "v"); err != nil {
		t.Errorf("a script: %v", err)
	}
	if err := lookup(t, client); err != nil || client.State() != StateOK {
		t.Fatalf("%v: %s", err, client.State())
	}
	s.Do("ACL", "SETUSER", "scalegraph", "resetchannels")
	redistest.Eventually(t, "a denied SUBSCRIBE is reported", func() bool { return client.State() == StateFailing && client.Cause() == "NOPERM subscribe" })
	redistest.Eventually(t, "a denied PUBLISH is reported", func() bool { return publish() != nil && client.Cause() == "NOPERM publish, subscribe" })
	for range failuresToOpen {
		_ = publish()
		if err := lookup(t, client); err != nil && !errors.Is(err, ErrOpen) && client.Cause() == "" {
			t.Errorf("lookup: %v", err)
		}
	}
	if n := count(log, "Redis denies a command"); n != 2 || count(log, "command=subscribe") != 1 {
		t.Errorf("logged %d times", n)
	}
	s.Do("ACL", "SETUSER", "scalegraph", "&sg1:*")
	redistest.Eventually(t, "messages arrive again", delivered)
	redistest.Eventually(t, "nothing is denied", func() bool { return publish() == nil && client.State() == StateOK })
}

// Messages arrive again after the server has restarted, and none after the end of a channel's subscription.
func TestSubscriptionReconnects(t *testing.T) {
	s := redistest.Start(t)
	client, _ := open(t, Config{URL: s.URL(), Timeout: time.Second})
	received := make(chan string, 100)
	sub := client.Subscribe(func(channel string, _ []byte) { received <- channel })
	defer sub.Close()
	sub.Add("a")
	sub.Add("b")
	arrives := func(channel string) {
		t.Helper()
		redistest.Eventually(t, "a message on "+channel, func() bool {
			_ = client.Publish(t.Context(), channel, nil)
			return len(received) > 0 && <-received == channel
		})
	}
	arrives("a")
	s.Restart()
	arrives("b")
	sub.Remove("a")
	redistest.Eventually(t, "the channel has no subscriber", func() bool { return strings.Contains(fmt.Sprint(s.Do("PUBSUB", "NUMSUB", "a")), " 0") })
	sub.Close()
	redistest.Eventually(t, "no channel has a subscriber", func() bool { return fmt.Sprint(s.Do("PUBSUB", "CHANNELS")) == "[]" })
}

// Calls of a script on many keys are made once each, also by servers that do not know the script yet, and by a cluster in which only some do.
func TestRunAll(t *testing.T) {
	for name, url := range map[string]string{"one server": redistest.Start(t).URL(), "a cluster": redistest.ClusterURL(redistest.Cluster(t))} {
		t.Run(name, func(t *testing.T) {
			client, _ := open(t, Config{URL: url, Timeout: 5 * time.Second})
			var trips redistest.TripCounter
			client.AddHook(&trips)
			script := redis.NewScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`)
			if _, err := client.Run(t.Context(), script, []string{"first"}, 1); err != nil {
				t.Fatal(err)
			}
			var calls []ScriptCall
			for i := range 50 {
				calls = append(calls, ScriptCall{[]string{fmt.Sprint("k", i)}, []any{i + 1}})
			}
			for round, most := range []int64{2, 1, 1} {
				trips.N.Store(0)
				results, err := client.RunAll(t.Context(), script, calls)
				if err != nil || trips.N.Load() > most {
					t.Fatalf("round %d: %v, %d round trips", round, err, trips.N.Load())
				}
				for i, result := range results {
					if n, err := result.Int(); err != nil || n != (round+1)*(i+1) {
						t.Fatalf("round %d, call %d: %d, %v", round, i, n, err)
					}
				}
			}
		})
	}
}

// A nil client returns ErrOff for every command.
func TestNilClient(t *testing.T) {
	c, err := Open(Config{})
	if c != nil || err != nil {
		t.Fatal(c, err)
	}
	if _, err := c.Run(t.Context(), redis.NewScript("return 1"), nil); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
	if err := c.Publish(t.Context(), "c", nil); !errors.Is(err, ErrOff) || c.State() != StateOff || c.Cause() != "" || c.Faults() != 0 {
		t.Error(err)
	}
	c.Close()
}
