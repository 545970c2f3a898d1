package gqlhttp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/internal/request"
)

// AnswerStore keeps whole answers somewhere else. A store that fails is one that has nothing. It judges what an answer rests on, and
// gives it as one basis to be counted. Texts are for the store to bound.
type AnswerStore interface {
	Answer(ctx context.Context, key [sha256.Size]byte) (text string, rests request.Dependency, ok bool)
	KeepAnswer(ctx context.Context, key [sha256.Size]byte, rests []request.Dependency, text []byte)
}

// answers keeps whole answers, to give them again to the same credential for the same request while everything that they rest on
// still holds: pages that are fresh, and the right to see them. Who calls is established anew each time, and every limit that
// concerns more than the request itself is asked anew. It may be used by many goroutines; a nil *answers keeps nothing.
type answers struct {
	kept   *otter.Cache[answerKey, *keptAnswer] // nil: shared keeps them
	shared AnswerStore
	asked  [4096]atomic.Uint64 // the beginnings of keys that were asked lately, see keep
}

// answerKey is a hash of all of a request that its answer depends on. Credentials are in it and cannot be read from it.
type answerKey [sha256.Size]byte

// keptAnswer is an answer and what it rests on.
type keptAnswer struct {
	*payload
	bases      []request.Dependency
	kind, name string // as in Report
	cost       int
}

// ofItself is what an entry takes beside its body, and again for its compressed forms, in bytes.
const ofItself = 1 << 10

func newAnswers(bytes int64, shared AnswerStore) *answers {
	switch {
	case bytes <= 0 && shared == nil:
		return nil
	case bytes <= 0:
		return &answers{shared: shared}
	}
	return &answers{kept: otter.Must(&otter.Options[answerKey, *keptAnswer]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ answerKey, a *keptAnswer) uint32 { return uint32(ofItself + len(a.body)*3/2) },
	})}
}

// find returns the answer kept under key, where all that it rests on holds now.
func (k *answers) find(ctx context.Context, key answerKey, now time.Time) (*keptAnswer, bool) {
	if k.kept == nil {
		return k.ask(ctx, key)
	}
	a, ok := k.kept.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	for _, b := range a.bases {
		if !b.Valid(now) {
			return nil, false
		}
	}
	return a, true
}

// ask returns the answer that others keep.
func (k *answers) ask(ctx context.Context, key answerKey) (*keptAnswer, bool) {
	text, rests, ok := k.shared.Answer(ctx, key)
	if !ok {
		return nil, false
	}
	a := &keptAnswer{bases: []request.Dependency{rests}}
	return a, a.unpack(text) == nil
}

// pack writes an answer for others to keep. No word in it has a line break.
func (a *keptAnswer) pack() []byte {
	return fmt.Appendf(make([]byte, 0, 64+len(a.body)), "%d\n%s\n%s\n%s", a.cost, a.kind, a.name, a.body)
}

// unpack reads what pack wrote.
func (a *keptAnswer) unpack(text string) (err error) {
	words := strings.SplitN(text, "\n", 4)
	if len(words) < 4 {
		return errUnreadable
	}
	a.kind, a.name, a.payload = words[1], words[2], &payload{body: []byte(words[3])}
	a.cost, err = strconv.Atoi(words[0])
	return err
}

var errUnreadable = errors.New("a kept answer cannot be read")

// count counts what an answer rests on as used by a caller.
func (a *keptAnswer) count(c *request.Caller) {
	for _, b := range a.bases {
		b.RecordHit(&c.Tally)
	}
}

// keep keeps an answer that was asked for before, not long ago: most requests of some clients are asked once, and would only push
// the others out. The body is copied.
func (k *answers) keep(ctx context.Context, key answerKey, a *keptAnswer) {
	beginning := binary.LittleEndian.Uint64(key[:])
	if k.asked[beginning%uint64(len(k.asked))].Swap(beginning) != beginning {
		return
	}
	if k.kept == nil {
		k.shared.KeepAnswer(ctx, key, a.bases, a.pack())
		return
	}
	a.payload = &payload{body: bytes.Clone(a.body)}
	k.kept.Set(key, a)
}

// keyOf makes the key of a request: its text, how the client wants the answer, and all that tells one caller from another.
func keyOf(method string, accept []string, text []byte, c *request.Caller) answerKey {
	b := make([]byte, 0, 2<<10) // on the stack, and enough for most
	part := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(all []string) {
		b = binary.AppendUvarint(b, uint64(len(all)))
		for _, s := range all {
			part(s)
		}
	}
	part(method)
	list(accept)
	b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	part(c.Token)
	part(c.Bearer)
	if c.ProjectsOnly {
		part("confined")
		list(c.Projects)
	}
	for _, project := range slices.Sorted(maps.Keys(c.Tokens)) {
		part(project)
		part(c.Tokens[project])
	}
	return sha256.Sum256(b)
}
