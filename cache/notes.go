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

// leave writes a note, for which nobody waits, and which may be lost.
func (s *store) leave(key string, w writer, life time.Duration) {
	if s == nil || !s.breaker.IsClosed() {
		return
	}
	note := s.codec.seal(0, w.b)
	s.trips.leave([]redis.Cmder{redis.NewStatusCmd(context.Background(), "set", key, note, "px", life.Milliseconds())})
}

// read returns a reader of a note; false where there is none that can be read.
func (s *store) read(note string) (reader, bool) {
	if note == "" {
		return reader{}, false
	}
	_, payload, err := s.codec.open(note)
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
	s.leave(unknownName(k), w, unknownFor)
}

// readUnknown reads what tellUnknown told; nil where there is nothing.
func (s *store) readUnknown(note string) *told {
	r, ok := s.read(note)
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
		s.leave(finalName(group), w, s.life(s.longest))
	}
}

// final looks up what other replicas know to be final; the zero time where nothing is told.
func (s *store) final(ctx context.Context, group viewHash) final {
	if s == nil {
		return final{}
	}
	cmd := redis.NewStringCmd(ctx, "get", finalName(group))
	if !s.ask(ctx, cmd) {
		return final{}
	}
	r, ok := s.read(cmd.Val())
	f := final{at: r.time(), second: r.int()}
	if !ok || r.bad || r.s != "" {
		return final{}
	}
	return f
}
