package cache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/upstream"
)

// Shared facts are short values, other than rows and decisions, that replicas exchange. They are encoded like segments.

// notFoundKey is the key of the fact that a group does not exist for a credential.
func notFoundKey(k accessKey) string {
	return "sg1:u:" + encodeKey(k.credential[:]) + ":" + encodeKey(k.scope[:])
}

// finalityKey is the key of a group's finality.
func finalityKey(group keyHash) string { return "sg1:d:" + encodeKey(group[:]) }

// setAsync writes a fact in the background. The write may be lost.
func (s *store) setAsync(key string, w writer, ttl time.Duration) {
	if s == nil {
		return
	}
	note := s.codec.encodeValue(key, 0, w.b)
	s.wg.Go(func() {
		ctx := context.Background()
		_ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) { p.Set(ctx, key, note, ttl) })
	})
}

// openValue returns a reader of a stored fact, and false if there is none or it is corrupt.
func (s *store) openValue(key, note string) (reader, bool) {
	if note == "" {
		return reader{}, false
	}
	_, payload, err := s.codec.decodeValue(key, note)
	if err != nil {
		s.unreadable.Add(1)
	}
	return reader{s: payload}, err == nil
}

// publishNotFound stores for the other replicas that a group does not exist for a credential.
func (s *store) publishNotFound(k accessKey, entry notFoundEntry) {
	var e *upstream.StatusError
	if !errors.As(entry.err, &e) {
		return
	}
	var w writer
	w.time(entry.at)
	w.int(int64(e.Status))
	w.text(e.Code)
	w.text(e.RequestID)
	s.setAsync(notFoundKey(k), w, notFoundTTL)
}

// decodeNotFound returns nil if there is no such entry.
func (s *store) decodeNotFound(key, note string) *notFoundEntry {
	r, ok := s.openValue(key, note)
	if !ok {
		return nil
	}
	e := &upstream.StatusError{Err: upstream.ErrNotFound}
	entry := &notFoundEntry{at: r.time(), err: e}
	e.Status, e.Code, e.RequestID = int(r.int32()), r.text(), r.text()
	if r.failed || r.s != "" {
		s.unreadable.Add(1)
		return nil
	}
	return entry
}

// publishFinality stores a group's finality for the other replicas.
func (s *store) publishFinality(group keyHash, f finality) {
	var w writer
	w.time(f.at)
	w.int(f.before)
	if s != nil {
		s.setAsync(finalityKey(group), w, s.jitter(s.maxTTL))
	}
}

// loadFinality returns a group's finality as stored by any replica, and the zero finality if there is none.
func (s *store) loadFinality(ctx context.Context, group keyHash) finality {
	if s == nil {
		return finality{}
	}
	key := finalityKey(group)
	var get *redis.StringCmd
	if s.redis.Pipelined(ctx, func(p redis.Pipeliner) { get = p.Get(ctx, key) }) != nil {
		return finality{}
	}
	r, ok := s.openValue(key, get.Val())
	f := finality{at: r.time(), before: r.int()}
	if !ok || r.failed || r.s != "" {
		return finality{}
	}
	return f
}
