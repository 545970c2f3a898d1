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

// RedisRelay is a Relay over Redis: a key with a short life says who leads a log, and a channel carries what it tells. It may be
// used by many goroutines. Nobody needs to close it: it holds a connection only while somebody listens.
type RedisRelay struct {
	rdb   redis.UniversalClient
	bound time.Duration // of one trip
	me    string

	mu   sync.Mutex
	ears map[string]func([]byte) // by channel
	sub  *redis.PubSub           // nil while nobody listens
}

// NewRedisRelay returns the relay of one process. Who gets no answer of Redis within the bound leads by itself.
func NewRedisRelay(rdb redis.UniversalClient, bound time.Duration) *RedisRelay {
	return &RedisRelay{rdb: rdb, bound: bound, me: rand.Text(), ears: map[string]func([]byte){}}
}

// relayName is the key of a log's leader, and its channel.
func relayName(log upstream.Group) string {
	sum := sha256.Sum256([]byte(log.Region + "\x00" + log.Project + "\x00" + log.ID))
	return "sg1:live:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// take makes its caller the leader where there is none, and a leader stay it.
var take = redis.NewScript(`local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// drop ends the leadership of its caller.
var drop = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Lead is true also where Redis does not answer.
func (r *RedisRelay) Lead(ctx context.Context, log upstream.Group, life time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, r.bound)
	defer cancel()
	taken, err := take.Run(ctx, r.rdb, []string{relayName(log)}, r.me, life.Milliseconds()).Int()
	return err != nil || taken == 1
}

// Leave does what it can: where Redis does not answer, the leadership runs out.
func (r *RedisRelay) Leave(log upstream.Group) {
	ctx, cancel := context.WithTimeout(context.Background(), r.bound)
	defer cancel()
	_ = drop.Run(ctx, r.rdb, []string{relayName(log)}, r.me).Err()
}

// Tell publishes; what does not get through is lost.
func (r *RedisRelay) Tell(ctx context.Context, log upstream.Group, text []byte) {
	ctx, cancel := context.WithTimeout(ctx, r.bound)
	defer cancel()
	_ = r.rdb.Publish(ctx, relayName(log), text).Err()
}

// Listen subscribes to a log's channel. The client connects anew, and subscribes again, whenever the connection is lost.
func (r *RedisRelay) Listen(log upstream.Group, hear func([]byte)) (stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), r.bound)
	defer cancel()
	name := relayName(log)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ears[name] = hear
	if r.sub == nil {
		r.sub = r.rdb.Subscribe(ctx)
		go r.hand(r.sub.Channel(redis.WithChannelSize(1000)))
	}
	_ = r.sub.Subscribe(ctx, name) // the client remembers it for when Redis answers
	return func() { r.deafen(name) }
}

func (r *RedisRelay) deafen(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), r.bound)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ears, name)
	if len(r.ears) == 0 {
		_ = r.sub.Close()
		r.sub = nil
		return
	}
	_ = r.sub.Unsubscribe(ctx, name)
}

// hand hands on what comes in until the connection is closed.
func (r *RedisRelay) hand(messages <-chan *redis.Message) {
	for m := range messages {
		r.mu.Lock()
		hear := r.ears[m.Channel]
		r.mu.Unlock()
		if hear != nil {
			hear([]byte(m.Payload))
		}
	}
}
