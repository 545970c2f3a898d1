package changefeed

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const project = "p"

func groupOf(n int) upstream.Group {
	return upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", n)}
}

// world is an upstream, and hubs over it, without sockets, so that time in a bubble is all that passes.
type world struct {
	testing.TB
	*emulator.Emulator
	next  int  // number of the next row
	kept  bool // hubs read through a cache, as in the program
	clock bool // rows start when they are inserted
}

func newWorld(t testing.TB, groups int, tokens ...string) *world {
	w := &world{TB: t, Emulator: emulator.New(emulator.Switches{Compression: emulator.GzipNever, Ties: emulator.TiesUnstable})}
	for i := range groups {
		w.AddGroup(project, groupOf(i).ID)
	}
	for _, token := range append(tokens, "token") {
		w.AddToken(token, project)
	}
	return w
}

// hub returns what another process would have.
func (w *world) hub(cfg Config) *Hub {
	client := pagingtest.Client(w, w.Emulator)
	cfg.Pages, cfg.Source = paging.New(client), client
	if w.kept {
		kept := cache.New(client, cache.Config{
			Memory: 8 << 20, Fresh: 5 * time.Second, Stale: 10 * time.Second, StaleIfError: time.Hour,
			Grant: time.Minute, GrantIfError: time.Minute, Timeout: 30 * time.Second,
		})
		w.Cleanup(kept.Close)
		cfg.Pages, cfg.Source = paging.New(kept), kept
	}
	return New(cfg)
}

// start inserts a row that began a second after the last one, and returns its id.
func (w *world) start(group int, status string) string {
	w.next++
	r := emulator.Row{ID: emulator.ID(w.next), Type: emulator.Normal, Status: status, Start: epoch.Add(time.Duration(w.next) * time.Second)}
	if w.clock {
		r.Start = time.Now()
	}
	if status != emulator.Doing {
		r.End = r.Start.Add(time.Second)
	}
	w.Insert(project, groupOf(group).ID, r)
	return r.ID
}

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (w *world) finish(group int, id string) {
	w.Finish(project, groupOf(group).ID, id, emulator.Success, epoch.Add(time.Duration(w.next+10)*time.Second))
}

// listener records the changes of a subscription.
type listener struct {
	leave context.CancelFunc
	done  chan struct{}

	mu       sync.Mutex
	received []string
	rows     []*upstream.Activity
	last     []byte
	// cursor is the position of the last change of a row: the only position that clients of a partial subscription receive.
	cursor []byte
	err    error
}

func as(ctx context.Context, token string) context.Context {
	return request.WithCaller(ctx, &request.Caller{Token: token})
}

func (w *world) listen(h *Hub, token string, q upstream.ChangeQuery) *listener {
	w.Helper()
	l, err := listenTo(w.Context(), h, token, q)
	if err != nil {
		w.Fatal(err)
	}
	return l
}

func listenTo(ctx context.Context, h *Hub, token string, q upstream.ChangeQuery) (*listener, error) {
	return listenWith(as(ctx, token), h, q)
}

func listenWith(ctx context.Context, h *Hub, q upstream.ChangeQuery) (*listener, error) {
	ctx, cancel := context.WithCancel(ctx)
	seq, err := h.Changes(ctx, q)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &listener{leave: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		defer cancel()
		for c, err := range seq {
			l.note(c, err)
		}
	}()
	return l, nil
}

func (l *listener) note(c upstream.Change, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err != nil {
		return
	}
	l.last = c.Position
	switch {
	case c.Kind == "":
		return
	case c.Activity == nil:
		l.received = append(l.received, fmt.Sprintf("%s %s", c.Kind, c.Group.ID))
		return
	}
	l.cursor = c.Position
	l.received = append(l.received, fmt.Sprintf("%s %s", c.Kind, c.Activity.LogID))
	l.rows = append(l.rows, c.Activity)
}

// revisions returns the desired counts of the rows that were received.
func (l *listener) revisions() []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []int32
	for _, row := range l.rows {
		list = append(list, *row.DesireValue)
	}
	return list
}

// all returns the changes received so far.
func (l *listener) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.received...)
}

func (l *listener) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// quit leaves and waits until that is done.
func (l *listener) quit() {
	l.leave()
	<-l.done
}

func query(groups ...int) upstream.ChangeQuery {
	var q upstream.ChangeQuery
	for _, n := range groups {
		q.Groups = append(q.Groups, groupOf(n))
	}
	return q
}

// pass lets so many intervals of polling go by.
func pass(polls int) {
	time.Sleep(time.Duration(polls) * 6 * time.Second)
	synctest.Wait()
}
