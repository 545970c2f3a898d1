package gqlhttp

import (
	"context"
	"sync"
)

// Streams are the answers that do not end by themselves: subscriptions, and connections that carry them. They are ended when
// the program stops, in the words of each protocol. The zero Streams is ready.
type Streams struct {
	mu       sync.Mutex
	under    sync.WaitGroup
	count    int
	draining chan struct{} // closed when the program stops; made when it is first needed
	drained  bool
}

// maxStreams bounds the streams of one process; subscriptions have a bound of their own.
const maxStreams = 20_000

// begin counts a stream. The channel is closed when the stream has to end; end must be called when it has. It is false where no
// stream may begin.
func (s *Streams) begin() (draining <-chan struct{}, end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained || s.count >= maxStreams {
		return nil, nil, false
	}
	s.count++
	s.under.Add(1)
	return s.channel(), sync.OnceFunc(s.end), true
}

func (s *Streams) end() {
	s.mu.Lock()
	s.count--
	s.mu.Unlock()
	s.under.Done()
}

// channel returns draining. The lock is held.
func (s *Streams) channel() chan struct{} {
	if s.draining == nil {
		s.draining = make(chan struct{})
	}
	return s.draining
}

// Count returns how many streams there are.
func (s *Streams) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Drain has all streams end and lets no other begin. It waits until they have ended, or ctx has.
func (s *Streams) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.drained {
		s.drained = true
		close(s.channel())
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.under.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
