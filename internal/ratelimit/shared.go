package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
)

// shared keeps the buckets in Redis.
type shared struct {
	redis     *redisx.Client
	secret    []byte
	perMinute float64
}

// minute is a whole bucket: levels and costs are told to Redis as the milliseconds that they take to run out.
const minute = float64(time.Minute / time.Millisecond)

// spend takes a cost out of a bucket. The key lives until the bucket is empty, so its life is the level, by the clock of Redis alone; its value is
// what that lacks of whole milliseconds. ARGV: the cost, a level that the bucket has at least, and a whole bucket. It returns what to wait, and the level.
// What is over by less than a microsecond is an error of the arithmetic.
var spend = redis.NewScript(`
local level, left = tonumber(ARGV[2]), redis.call('PTTL', KEYS[1])
if left > 0 then level = math.max(level, left + (tonumber(redis.call('GET', KEYS[1])) or 0)) end
local cost, full = tonumber(ARGV[1]), tonumber(ARGV[3])
local over = level + math.min(cost, full) - full
if over > 0.001 then return {math.ceil(over), math.ceil(level)} end
level = level + cost
local life = math.ceil(level)
if life > 0 then redis.call('SET', KEYS[1], string.format('%.6f', level - life), 'PX', string.format('%.0f', life)) end
return {0, life}`)

// take is Limiter.Take; least is a level that the bucket has at least. ok is false where Redis did not answer.
func (s *shared) take(ctx context.Context, c *request.Caller, cost int, least float64) (wait time.Duration, level float64, ok bool) {
	reply, err := s.redis.Run(ctx, spend, []string{s.key(c)}, s.life(float64(cost)), s.life(least), minute)
	if err != nil {
		return 0, 0, false
	}
	numbers, err := reply.Int64Slice()
	if err != nil || len(numbers) != 2 {
		return 0, 0, false
	}
	return time.Duration(numbers[0]) * time.Millisecond, float64(numbers[1]) / minute * s.perMinute, true
}

// life is how long it takes until so much has run out, in milliseconds.
func (s *shared) life(level float64) float64 { return level / s.perMinute * minute }

// key names a caller by a hash: the key space shows neither tokens nor who asks.
func (s *shared) key(c *request.Caller) string {
	var h hash.Hash
	if h = sha256.New(); len(s.secret) > 0 {
		h = hmac.New(sha256.New, s.secret)
	}
	identify(h, c)
	return "sg1:c:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// identify writes what tells one caller from another: the name of those who proved who they are, else their tokens. All who bring nothing
// are one. Writing to a hash never fails.
func identify(h io.Writer, c *request.Caller) {
	if c.Name != "" {
		_, _ = io.WriteString(h, "name "+c.Name)
		return
	}
	_, _ = io.WriteString(h, "token "+c.Token)
	for _, project := range slices.Sorted(maps.Keys(c.Tokens)) {
		_, _ = io.WriteString(h, "\x00"+project+"="+c.Tokens[project])
	}
}
