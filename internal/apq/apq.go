// Package apq shares the texts of automatically persisted queries between replicas through Redis.
package apq

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
)

const (
	ttl     = 24 * time.Hour // plus up to an hour; clients send the text again if it has expired
	maxText = 32 << 10       // bytes; longer texts are not shared
)

// Store stores texts under their hashes. It is safe for concurrent use. Without Redis it is empty.
type Store struct {
	redis *redisx.Client
}

// New returns a Store in Redis; nil stands for no Redis.
func New(redis *redisx.Client) *Store { return &Store{redis} }

// Get returns the text that Put stored under a hash through any replica, and false if there is none or Redis fails. The caller
// must check that the text has that hash.
func (s *Store) Get(ctx context.Context, hash string) (text string, ok bool) {
	var get *redis.StringCmd
	err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) { get = p.Get(ctx, key(hash)) })
	if err != nil || get.Err() != nil {
		return "", false
	}
	return get.Val(), true
}

// Put stores the text of an operation under its hash. Redis bounds the memory of all texts by its own eviction policy.
func (s *Store) Put(ctx context.Context, hash, text string) {
	if len(text) <= maxText {
		_ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) { p.Set(ctx, key(hash), text, ttl+rand.N(time.Hour)) })
	}
}

func key(hash string) string { return "sg1:q:" + hash }
