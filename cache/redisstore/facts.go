package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/binenc"
	"scalegraph/upstream"
)

// Shared facts are short values, other than rows and decisions, that replicas exchange. They are encoded like segments.

// notFoundKey is the key of the fact that a group does not exist for a credential.
func notFoundKey(k access.Key) string {
	return "sg1:u:" + encodeKey(k.Credential[:]) + ":" + encodeKey(k.Scope[:])
}

// finalityKey is the key of a group's finality.
func finalityKey(group cachekey.Hash) string { return "sg1:d:" + encodeKey(group[:]) }

// setAsync writes a fact in the background. The write may be lost.
func (s *Store) setAsync(key string, w binenc.Writer, ttl time.Duration) {
	if s == nil {
		return
	}
	value := s.codec.encodeValue(key, 0, w)
	s.wg.Go(func() {
		ctx := context.Background()
		_ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) { p.Set(ctx, key, value, ttl) })
	})
}

// openValue returns a reader of a stored fact, and false if there is none or it is corrupt.
func (s *Store) openValue(key, value string) (binenc.Reader, bool) {
	if value == "" {
		return binenc.Reader{}, false
	}
	_, payload, err := s.codec.decodeValue(key, value)
	if err != nil {
		s.unreadable.Add(1)
	}
	return binenc.NewReader(payload), err == nil
}

// PublishNotFound stores for the other replicas that a group does not exist for a credential.
func (s *Store) PublishNotFound(k access.Key, entry access.NotFound) {
	var e *upstream.StatusError
	if !errors.As(entry.Err, &e) {
		return
	}
	var w binenc.Writer
	w.Time(entry.At)
	w.Int(int64(e.Status))
	w.Text(e.Code)
	w.Text(e.RequestID)
	s.setAsync(notFoundKey(k), w, access.NotFoundTTL)
}

// decodeNotFound returns nil if there is no such entry.
func (s *Store) decodeNotFound(key, value string) *access.NotFound {
	r, ok := s.openValue(key, value)
	if !ok {
		return nil
	}
	e := &upstream.StatusError{Err: upstream.ErrNotFound}
	entry := &access.NotFound{At: r.Time(), Err: e}
	e.Status, e.Code, e.RequestID = int(r.Int32()), r.Text(), r.Text()
	if !r.Done() {
		s.unreadable.Add(1)
		return nil
	}
	return entry
}

// PublishFinality stores a group's finality for the other replicas.
func (s *Store) PublishFinality(group cachekey.Hash, f block.Finality) {
	var w binenc.Writer
	w.Time(f.At)
	w.Int(f.Before)
	if s != nil {
		s.setAsync(finalityKey(group), w, s.jitter(s.maxTTL))
	}
}

// LoadFinality returns a group's finality as stored by any replica, and the zero finality if there is none.
func (s *Store) LoadFinality(ctx context.Context, group cachekey.Hash) block.Finality {
	if s == nil {
		return block.Finality{}
	}
	key := finalityKey(group)
	var get *redis.StringCmd
	if s.redis.Pipelined(ctx, func(p redis.Pipeliner) { get = p.Get(ctx, key) }) != nil {
		return block.Finality{}
	}
	r, ok := s.openValue(key, get.Val())
	f := block.Finality{At: r.Time(), Before: r.Int()}
	if !ok || !r.Done() {
		return block.Finality{}
	}
	return f
}
