package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

// answers keeps whole answers, to give them again to the same credential for the same request while everything that they rest on
// still holds: pages that are fresh, and the right to see them. Who calls is established anew each time, and every limit that
// concerns more than the request itself is asked anew. It may be used by many goroutines; a nil *answers keeps nothing.
type answers struct {
	kept  *otter.Cache[answerKey, *keptAnswer]
	asked [4096]atomic.Uint64 // the beginnings of keys that were asked lately, see keep
}

// answerKey is a hash of all of a request that its answer depends on. Credentials are in it and cannot be read from it.
type answerKey [sha256.Size]byte

// keptAnswer is an answer and what it rests on.
type keptAnswer struct {
	*payload
	bases      []upstream.Basis
	kind, name string // as in Report
	cost       int
}

// ofItself is what an entry takes beside its body, and again for its compressed forms, in bytes.
const ofItself = 1 << 10

func newAnswers(bytes int64) *answers {
	if bytes <= 0 {
		return nil
	}
	return &answers{kept: otter.Must(&otter.Options[answerKey, *keptAnswer]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ answerKey, a *keptAnswer) uint32 { return uint32(ofItself + len(a.body)*3/2) },
	})}
}

// find returns the answer kept under key, where all that it rests on holds now.
func (k *answers) find(key answerKey, now time.Time) (*keptAnswer, bool) {
	if k == nil {
		return nil, false
	}
	a, ok := k.kept.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	for _, b := range a.bases {
		if !b.Holds(now) {
			return nil, false
		}
	}
	return a, true
}

// count counts what an answer rests on as used by a caller.
func (a *keptAnswer) count(c *upstream.Caller) {
	for _, b := range a.bases {
		b.Count(&c.Tally)
	}
}

// keep keeps an answer that was asked for before, not long ago: most requests of some clients are asked once, and would only push
// the others out. The body is copied.
func (k *answers) keep(key answerKey, a *keptAnswer) {
	beginning := binary.LittleEndian.Uint64(key[:])
	if k.asked[beginning%uint64(len(k.asked))].Swap(beginning) == beginning {
		a.payload = &payload{body: bytes.Clone(a.body)}
		k.kept.Set(key, a)
	}
}

// keyOf makes the key of a request: its text, how the client wants the answer, and all that tells one caller from another.
func keyOf(method string, accept []string, text []byte, c *upstream.Caller) answerKey {
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
	if c.Confined {
		part("confined")
		list(c.Projects)
	}
	for _, project := range slices.Sorted(maps.Keys(c.Tokens)) {
		part(project)
		part(c.Tokens[project])
	}
	return sha256.Sum256(b)
}
