package stream

import (
	"context"
	"sync"
)

// Registry counts the responses that do not end by themselves: subscriptions, and connections that carry them. It ends them when the program
// stops. The zero Registry is ready; it is safe for concurrent use.
type Registry struct {
	mu       sync.Mutex
	running  sync.WaitGroup
	count    int
	draining chan struct{} // closed when the program stops; made when it is first needed
	drained  bool
}

// maxStreams bounds the streams of one process; subscriptions have a bound of their own.
const maxStreams = 20_000

// Begin counts a stream; ok is false if no stream may begin. The stream must end when draining is closed, and must call end then. end may be
// called again.
func (s *Registry) Begin() (draining <-chan struct{}, end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained || s.count >= maxStreams {
		return nil, nil, false
	}
	s.count++
	s.running.Add(1)
	return s.channel(), sync.OnceFunc(s.end), true
}

func (s *Registry) end() {
	s.mu.Lock()
	s.count--
	s.mu.Unlock()
	s.running.Done()
}

// channel returns draining. The caller holds mu.
func (s *Registry) channel() chan struct{} {
	if s.draining == nil {
		s.draining = make(chan struct{})
	}
	return s.draining
}

// Count returns the number of streams.
func (s *Registry) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Drain ends all streams and lets no other begin. It waits until they have ended, and returns ctx.Err() if ctx ends first.
func (s *Registry) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.drained {
		s.drained = true
		close(s.channel())
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
