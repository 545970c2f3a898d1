package changefeed

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// RedisBroadcaster is a Broadcaster over Redis: a key with a short TTL names the leader of a log, and a channel carries its messages. It is
// safe for concurrent use and needs no closing: it has a connection only while there are subscriptions.
type RedisBroadcaster struct {
	redis      *redisx.Client
	instanceID string

	mu       sync.Mutex
	handlers map[string][]*handler // by channel; a poller may still have one when its successor subscribes
	sub      *redisx.Subscription  // nil while there are no handlers
}

// NewRedisBroadcaster returns the broadcaster of one process. While Redis fails, the process leads by itself. The client must not be nil.
func NewRedisBroadcaster(client *redisx.Client) *RedisBroadcaster {
	return &RedisBroadcaster{redis: client, instanceID: rand.Text(), handlers: map[string][]*handler{}}
}

// broadcastKey is the key of a log's leader, and its channel.
func broadcastKey(log upstream.Group) string {
	sum := sha256.Sum256([]byte(log.Region + "\x00" + log.Project + "\x00" + log.ID))
	return "sg1:changes:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// acquireScript makes its caller the leader if there is no other, and extends the TTL.
var acquireScript = redis.NewScript(`local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// releaseScript ends the leadership of its caller.
var releaseScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// TryLead is true also if Redis fails.
func (r *RedisBroadcaster) TryLead(ctx context.Context, log upstream.Group, ttl time.Duration) bool {
	reply, err := r.redis.Run(ctx, acquireScript, []string{broadcastKey(log)}, r.instanceID, ttl.Milliseconds())
	if err != nil {
		return true
	}
	acquired, err := reply.Int()
	return err != nil || acquired == 1
}

// Resign ends the leadership. If Redis fails, it expires.
func (r *RedisBroadcaster) Resign(log upstream.Group) {
	_, _ = r.redis.Run(context.Background(), releaseScript, []string{broadcastKey(log)}, r.instanceID)
}

// Publish sends a message. If Redis fails, it is lost; the client counts and reports the failure.
func (r *RedisBroadcaster) Publish(ctx context.Context, log upstream.Group, message []byte) {
	_ = r.redis.Publish(ctx, broadcastKey(log), message)
}

// Subscribe subscribes to a log's channel. The Redis client reconnects and subscribes again when the connection is lost, and reports a denied
// subscription.
func (r *RedisBroadcaster) Subscribe(log upstream.Group, handle func([]byte)) (stop func()) {
	channel := broadcastKey(log)
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &handler{handle}
	r.handlers[channel] = append(slices.Clone(r.handlers[channel]), h)
	if r.sub == nil {
		r.sub = r.redis.Subscribe(r.dispatch)
	}
	r.sub.Add(channel)
	return sync.OnceFunc(func() { r.unsubscribe(channel, h) })
}

// A handler takes the messages of one channel.
type handler struct{ handle func([]byte) }

// unsubscribe removes one handler, and ends the subscription to its channel if it was the last one.
func (r *RedisBroadcaster) unsubscribe(channel string, h *handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if others := slices.DeleteFunc(slices.Clone(r.handlers[channel]), func(other *handler) bool { return other == h }); len(others) > 0 {
		r.handlers[channel] = others
		return
	}
	delete(r.handlers, channel)
	if len(r.handlers) == 0 {
		r.sub.Close()
		r.sub = nil
		return
	}
	r.sub.Remove(channel)
}

// dispatch passes a message to the handlers of its channel.
func (r *RedisBroadcaster) dispatch(channel string, message []byte) {
	r.mu.Lock()
	handlers := r.handlers[channel]
	r.mu.Unlock()
	for _, h := range handlers {
		h.handle(message)
	}
}
