package resolvers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"scalegraph/upstream"
)

// calls keeps the calls of one kind that a request makes, each under what it asked for without the sections.
type calls[K comparable, V any] struct {
	mu   sync.Mutex
	made map[K][]*call[V] // nil: none yet
}

// call is made by the first who wants its answer, on that one's goroutine; the rest wait.
type call[V any] struct {
	sections upstream.Sections
	once     sync.Once
	answer   V
	err      error
}

// do returns the answer of an earlier equal call that brings all these sections, under way or done, else that of ask. It does not wait
// for more calls: the upstream takes one page a call, so that gathering them could save nothing.
func (l *calls[K, V]) do(ctx context.Context, key K, sections upstream.Sections, ask func(context.Context) (V, error)) (V, error) {
	c := l.find(key, sections)
	c.once.Do(func() { c.answer, c.err = try(ctx, ask) })
	return c.answer, rethrown(c.err)
}

// find returns the call that brings what is asked for, a new one where there is none.
func (l *calls[K, V]) find(key K, sections upstream.Sections) *call[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.made[key] {
		if c.sections.Has(sections) {
			return c
		}
	}
	if l.made == nil {
		l.made = map[K][]*call[V]{}
	}
	c := &call[V]{sections: sections}
	l.made[key] = append(l.made[key], c)
	return c
}

// try turns a panic into an error, with the place it came from: all who wait for the call are to hear of it.
func try[V any](ctx context.Context, ask func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return ask(ctx)
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// rethrown returns err, or panics where that was a panic: back in a resolver, where gqlgen has it logged and answered.
func rethrown(err error) error {
	if p := (*panicked)(nil); errors.As(err, &p) {
		panic(p)
	}
	return err
}
