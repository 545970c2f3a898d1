package loaders

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"scalegraph/upstream"
)

// Memo makes calls of one kind once for a request. K identifies a call but for its sections. The zero Memo is ready; it is safe for concurrent use.
type Memo[K comparable, V any] struct {
	mu      sync.Mutex
	entries map[K][]*memoEntry[V]
}

// memoEntry is one call. The first goroutine that needs it makes it; the others wait.
type memoEntry[V any] struct {
	sections upstream.Sections
	once     sync.Once
	value    V
	err      error
}

// Do returns the result of an earlier call with the same key and at least these sections, in flight or done; otherwise it makes the call. It does not
// wait for more calls: the upstream serves one page a call, so that a batch could save nothing. A panic of the call is repeated in every caller.
func (m *Memo[K, V]) Do(ctx context.Context, key K, sections upstream.Sections, call func(context.Context) (V, error)) (V, error) {
	e := m.entry(key, sections)
	e.once.Do(func() { e.value, e.err = recoverCall(ctx, call) })
	return e.value, repanic(e.err)
}

func (m *Memo[K, V]) entry(key K, sections upstream.Sections) *memoEntry[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries[key] {
		if e.sections.Has(sections) {
			return e
		}
	}
	if m.entries == nil {
		m.entries = map[K][]*memoEntry[V]{}
	}
	e := &memoEntry[V]{sections: sections}
	m.entries[key] = append(m.entries[key], e)
	return e
}

// recoverCall turns a panic into an error with its stack, so that every goroutine that waits for the call receives it.
func recoverCall[V any](ctx context.Context, call func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return call(ctx)
}

type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// repanic returns err, or panics again if err is the panic of a call. gqlgen recovers the panic of a resolver, logs it and sets the field's
// error.
func repanic(err error) error {
	if p := (*panicError)(nil); errors.As(err, &p) {
		panic(p)
	}
	return err
}
