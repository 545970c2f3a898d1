package redisx

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	pingEvery      = 3 * time.Second        // finds connections that are lost
	reconnectPause = 100 * time.Millisecond // between attempts to connect
)

// Subscription receives the messages of channels over a connection of its own, outside the breaker. After a loss it connects and subscribes
// again. A denied SUBSCRIBE is reported like any denied command, and sent again every two seconds. It is safe for concurrent use.
type Subscription struct {
	client  *Client
	pubsub  *redis.PubSub
	closing chan struct{}
	end     func()

	mu       sync.Mutex
	channels map[string]bool
}

// Subscribe returns a Subscription without channels, which must be closed. It calls handle for one message at a time. The client must not be
// nil.
func (c *Client) Subscribe(handle func(channel string, message []byte)) *Subscription {
	s := &Subscription{client: c, pubsub: c.rdb.Subscribe(context.Background()), closing: make(chan struct{}), channels: map[string]bool{}}
	s.end = sync.OnceFunc(func() {
		close(s.closing)
		_ = s.pubsub.Close() // nothing is written that must arrive
	})
	go s.receive(handle)
	go s.ping()
	return s
}

// Add adds a channel. It waits for a connection for at most the timeout of a round trip, and not for the reply.
func (s *Subscription) Add(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[channel] = true
	s.subscribe(channel)
}

// Remove removes a channel.
func (s *Subscription) Remove(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.channels, channel)
	ctx, cancel := context.WithTimeout(context.Background(), s.client.timeout)
	defer cancel()
	_ = s.pubsub.Unsubscribe(ctx, channel) // if it fails, the connection is made again without the channel
}

// Close ends the connection. No message is handled that arrives later.
func (s *Subscription) Close() { s.end() }

// subscribe sends SUBSCRIBE. The caller holds the lock. If Redis does not respond, go-redis subscribes when it has connected again.
func (s *Subscription) subscribe(channels ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), s.client.timeout)
	defer cancel()
	_ = s.pubsub.Subscribe(ctx, channels...)
}

// receive handles messages until the subscription is closed.
func (s *Subscription) receive(handle func(channel string, message []byte)) {
	for {
		reply, err := s.pubsub.Receive(context.Background())
		switch m := reply.(type) {
		case *redis.Message:
			handle(m.Channel, []byte(m.Payload))
			continue
		case *redis.Subscription:
			if m.Kind == "subscribe" {
				s.record(nil)
			}
			continue
		}
		switch {
		case err == nil: // the reply to a ping
		case errors.Is(err, redis.ErrClosed):
			return
		case isDenied(err):
			s.record(err)
			s.subscribeAgain()
		case !s.pause(reconnectPause):
			return
		}
	}
}

// record reports whether SUBSCRIBE is denied.
func (s *Subscription) record(err error) {
	s.client.tried.Store(true)
	s.client.denied.record(s.client.log, []redis.Cmder{redis.NewCmd(context.Background(), "subscribe")}, err)
}

// subscribeAgain sends SUBSCRIBE again after a while: the connection stays, so go-redis does not do it.
func (s *Subscription) subscribeAgain() {
	if !s.pause(openFor) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.channels) > 0 {
		s.subscribe(slices.Collect(maps.Keys(s.channels))...)
	}
}

// pause returns false at once when the subscription is closed.
func (s *Subscription) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

// ping writes to the connection now and then. If that fails, go-redis connects again.
func (s *Subscription) ping() {
	for s.pause(pingEvery) {
		ctx, cancel := context.WithTimeout(context.Background(), s.client.timeout)
		_ = s.pubsub.Ping(ctx)
		cancel()
	}
}
