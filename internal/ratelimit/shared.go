package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
)

// sharedBuckets stores the buckets in Redis.
type sharedBuckets struct {
	redis    *redisx.Client
	secret   []byte
	capacity float64
}

// minute is a full bucket in Redis, where levels and costs are the milliseconds that they take to drain.
const minute = float64(time.Minute / time.Millisecond)

// takeScript spends a cost. A key expires when its bucket is empty, so its TTL is the level, by the clock of Redis alone; its value is the
// difference to whole milliseconds. ARGV: the cost, a minimum level, and a full bucket. It returns the wait and the level. An excess below
// a microsecond is a rounding error.
var takeScript = redis.NewScript(`
local level, left = tonumber(ARGV[2]), redis.call('PTTL', KEYS[1])
if left > 0 then level = math.max(level, left + (tonumber(redis.call('GET', KEYS[1])) or 0)) end
local cost, full = tonumber(ARGV[1]), tonumber(ARGV[3])
local over = level + math.min(cost, full) - full
if over > 0.001 then return {math.ceil(over), math.ceil(level)} end
level = level + cost
local life = math.ceil(level)
if life > 0 then redis.call('SET', KEYS[1], string.format('%.6f', level - life), 'PX', string.format('%.0f', life)) end
return {0, life}`)

// charge is the bucket that a cost is spent from, and the level that it has at least.
type charge struct {
	identity string
	minLevel float64
}

// result is the outcome of a charge: how long to wait and the level of the bucket. ok is false if Redis failed.
type result struct {
	wait  time.Duration
	level float64
	ok    bool
}

// take spends a cost from several buckets in one round trip. The buckets of a cluster are at several servers, so there is one call of the script
// for each of them.
func (s *sharedBuckets) take(ctx context.Context, cost int, charges []charge) []result {
	calls := make([]redisx.ScriptCall, len(charges))
	for i, t := range charges {
		calls[i] = redisx.ScriptCall{Keys: []string{s.key(t.identity)}, Args: []any{s.drainTime(float64(cost)), s.drainTime(t.minLevel), minute}}
	}
	results := make([]result, len(charges))
	replies, err := s.redis.RunAll(ctx, takeScript, calls)
	if err != nil {
		return results
	}
	for i, reply := range replies {
		if numbers, err := reply.Int64Slice(); err == nil && len(numbers) == 2 {
			results[i] = result{time.Duration(numbers[0]) * time.Millisecond, float64(numbers[1]) / minute * s.capacity, true}
		}
	}
	return results
}

// drainTime returns how long a level takes to drain, in milliseconds.
func (s *sharedBuckets) drainTime(level float64) float64 { return level / s.capacity * minute }

// key returns the Redis key of an identity. It is a hash, so that the keys show neither tokens nor names.
func (s *sharedBuckets) key(identity string) string {
	var h hash.Hash
	if h = sha256.New(); len(s.secret) > 0 {
		h = hmac.New(sha256.New, s.secret)
	}
	_, _ = io.WriteString(h, identity) // a hash never fails
	return "sg1:c:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
