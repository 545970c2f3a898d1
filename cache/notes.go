package cache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/upstream"
)

// Notes are short facts, other than rows and verdicts, that replicas tell each other: sealed like kept pieces.

// unknownName is the key of what a credential was told of a group that does not exist.
func unknownName(k grantKey) string { return "sg1:u:" + name(k.who[:]) + ":" + name(k.what[:]) }

// finalName is the key of what is final in a group.
func finalName(group viewHash) string { return "sg1:d:" + name(group[:]) }

// setAsync writes a note in the background. It may be lost.
func (s *store) setAsync(key string, w writer, ttl time.Duration) {
	if s == nil {
		return
	}
	note := s.codec.seal(key, 0, w.b)
	s.wg.Go(func() {
		ctx := context.Background()
		_ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) { p.Set(ctx, key, note, ttl) })
	})
}

// read returns a reader of a note; false where there is none that can be read.
func (s *store) read(key, note string) (reader, bool) {
	if note == "" {
		return reader{}, false
	}
	_, payload, err := s.codec.open(key, note)
	if err != nil {
		s.counters.unreadable.Add(1)
	}
	return reader{s: payload}, err == nil
}

// tellUnknown lets the other replicas know that a credential was told that a group does not exist.
func (s *store) tellUnknown(k grantKey, t told) {
	var e *upstream.StatusError
	if !errors.As(t.err, &e) {
		return
	}
	var w writer
	w.time(t.at)
	w.int(int64(e.Status))
	w.text(e.Code)
	w.text(e.RequestID)
	s.setAsync(unknownName(k), w, unknownFor)
}

// readUnknown reads what tellUnknown told; nil where there is nothing.
func (s *store) readUnknown(key, note string) *told {
	r, ok := s.read(key, note)
	if !ok {
		return nil
	}
	e := &upstream.StatusError{Err: upstream.ErrNotFound}
	t := &told{at: r.time(), err: e}
	e.Status, e.Code, e.RequestID = int(r.int32()), r.text(), r.text()
	if r.bad || r.s != "" {
		s.counters.unreadable.Add(1)
		return nil
	}
	return t
}

// tellFinal lets the other replicas know what is final in a group.
func (s *store) tellFinal(group viewHash, f final) {
	var w writer
	w.time(f.at)
	w.int(f.second)
	if s != nil {
		s.setAsync(finalName(group), w, s.life(s.maxTTL))
	}
}

// final looks up what other replicas know to be final; the zero time where nothing is told.
func (s *store) final(ctx context.Context, group viewHash) final {
	if s == nil {
		return final{}
	}
	key := finalName(group)
	var get *redis.StringCmd
	if s.redis.Pipelined(ctx, func(p redis.Pipeliner) { get = p.Get(ctx, key) }) != nil {
		return final{}
	}
	r, ok := s.read(key, get.Val())
	f := final{at: r.time(), second: r.int()}
	if !ok || r.bad || r.s != "" {
		return final{}
	}
	return f
}
