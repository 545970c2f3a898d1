package inventory

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/redis/go-redis/v9"

	"scalegraph/cache/redisstore"
	"scalegraph/internal/redisx"
)

const (
	leaseWait = 500 * time.Millisecond // how long the other replicas wait for the value
	leasePoll = 25 * time.Millisecond
	maxValue  = 32 << 20 // bytes of one value, uncompressed
)

// shared is the tier that replicas share. A nil *shared stores nothing.
type shared struct {
	redis *redisx.Client
	in    *zstd.Decoder
	out   *zstd.Encoder
}

func newShared(client *redisx.Client) *shared {
	if client == nil {
		return nil
	}
	in, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxValue), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err) // only for invalid options
	}
	out, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return &shared{client, in, out}
}

// envelope is the Redis value of a key: a snapshot as JSON and when it was read, or when the credential was rejected.
type envelope struct {
	at        time.Time // zero if there is no snapshot
	refusedAt time.Time // zero if there was no refusal
	snapshot  []byte
}

// The first byte of a stored envelope; the time follows in eight bytes, in milliseconds since 1970, then the compressed JSON, and last the
// checksum.
const (
	tagValue   = 'v'
	tagRefusal = 'r'
)

// get returns the zero envelope if there is none, or if it is corrupt.
func (s *shared) get(ctx context.Context, k key) envelope {
	if s == nil {
		return envelope{}
	}
	var stored *redis.StringCmd
	if s.redis.Pipelined(ctx, func(p redis.Pipeliner) { stored = p.Get(ctx, k.text()) }) != nil {
		return envelope{}
	}
	raw, err := stored.Bytes()
	if err != nil || len(raw) < 9+crc32.Size {
		return envelope{}
	}
	raw, sum := raw[:len(raw)-crc32.Size], raw[len(raw)-crc32.Size:]
	if binary.BigEndian.Uint32(sum) != redisstore.Checksum(k.text(), raw) {
		return envelope{}
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(raw[1:])))
	switch raw[0] {
	case tagRefusal:
		return envelope{refusedAt: at}
	case tagValue:
		if text, err := s.in.DecodeAll(raw[9:], nil); err == nil {
			return envelope{at: at, snapshot: text}
		}
	}
	return envelope{}
}

func (s *shared) set(ctx context.Context, k key, e envelope, life time.Duration) {
	if s == nil {
		return
	}
	raw := binary.BigEndian.AppendUint64([]byte{tagValue}, uint64(e.at.UnixMilli()))
	s.put(ctx, k, s.out.EncodeAll(e.snapshot, raw), life)
}

// refuse replaces the value by a rejection, so that no replica serves an older one.
func (s *shared) refuse(ctx context.Context, k key, at time.Time, life time.Duration) {
	if s != nil {
		s.put(ctx, k, binary.BigEndian.AppendUint64([]byte{tagRefusal}, uint64(at.UnixMilli()+1)), life)
	}
}

// put writes a value. If that fails, another replica makes one call more.
func (s *shared) put(ctx context.Context, k key, raw []byte, life time.Duration) {
	raw = binary.BigEndian.AppendUint32(raw, redisstore.Checksum(k.text(), raw))
	_ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) { p.Set(ctx, k.text(), raw, life) })
}

// lease acquires the read of k, unless another replica is reading it. If Redis fails, every replica reads.
func (s *shared) lease(ctx context.Context, k key) (end func(), mine bool) {
	return redisstore.AcquireLease(ctx, s.redis, k.text()+":l")
}
