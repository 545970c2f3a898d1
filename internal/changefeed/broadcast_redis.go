package changefeed

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/upstream"
)

// RedisBroadcaster is a Broadcaster over Redis: a key with a short TTL names the leader of a log, and a channel carries its messages. It is
// safe for concurrent use and needs no closing: it has a connection only while there are subscriptions.
type RedisBroadcaster struct {
	rdb        redis.UniversalClient
	timeout    time.Duration // of one round trip
	instanceID string

	mu       sync.Mutex
	handlers map[string]func([]byte) // by channel
	sub      *redis.PubSub           // nil while there are no handlers
}

// NewRedisBroadcaster returns the broadcaster of one process. If Redis does not respond within the timeout, the process leads by itself.
func NewRedisBroadcaster(rdb redis.UniversalClient, timeout time.Duration) *RedisBroadcaster {
	return &RedisBroadcaster{rdb: rdb, timeout: timeout, instanceID: rand.Text(), handlers: map[string]func([]byte){}}
}

// broadcastKey is the key of a log's leader, and its channel.
func broadcastKey(log upstream.Group) string {
	sum := sha256.Sum256([]byte(log.Region + "\x00" + log.Project + "\x00" + log.ID))
	return "sg1:live:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// acquireScript makes its caller the leader if there is no other, and extends the TTL.
var acquireScript = redis.NewScript(`local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// releaseScript ends the leadership of its caller.
var releaseScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// TryLead is true also if Redis does not respond.
func (r *RedisBroadcaster) TryLead(ctx context.Context, log upstream.Group, ttl time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	acquired, err := acquireScript.Run(ctx, r.rdb, []string{broadcastKey(log)}, r.instanceID, ttl.Milliseconds()).Int()
	return err != nil || acquired == 1
}

// Resign ends the leadership. If Redis does not respond, it expires.
func (r *RedisBroadcaster) Resign(log upstream.Group) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	_ = releaseScript.Run(ctx, r.rdb, []string{broadcastKey(log)}, r.instanceID).Err()
}

// Publish sends a message. If Redis does not respond, it is lost.
func (r *RedisBroadcaster) Publish(ctx context.Context, log upstream.Group, message []byte) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	_ = r.rdb.Publish(ctx, broadcastKey(log), message).Err()
}

// Subscribe subscribes to a log's channel. The Redis client reconnects and subscribes again when the connection is lost.
func (r *RedisBroadcaster) Subscribe(log upstream.Group, handle func([]byte)) (stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	channel := broadcastKey(log)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handlers[channel] = handle
	if r.sub == nil {
		r.sub = r.rdb.Subscribe(ctx)
		go r.dispatch(r.sub.Channel(redis.WithChannelSize(1000)))
	}
	_ = r.sub.Subscribe(ctx, channel) // the client subscribes later if Redis does not respond now
	return func() { r.unsubscribe(channel) }
}

func (r *RedisBroadcaster) unsubscribe(channel string) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.handlers, channel)
	if len(r.handlers) == 0 {
		_ = r.sub.Close()
		r.sub = nil
		return
	}
	_ = r.sub.Unsubscribe(ctx, channel)
}

// dispatch passes messages to the handlers until the connection is closed.
func (r *RedisBroadcaster) dispatch(messages <-chan *redis.Message) {
	for m := range messages {
		r.mu.Lock()
		handle := r.handlers[m.Channel]
		r.mu.Unlock()
		if handle != nil {
			handle([]byte(m.Payload))
		}
	}
}
