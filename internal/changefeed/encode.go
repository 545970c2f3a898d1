package changefeed

import (
	"encoding/binary"
	"math"
	"time"

	"scalegraph/internal/binenc"
	"scalegraph/upstream"
)

// Encoded positions have, for each group in their order: the second in which the log was read last, rounded up (0: never), the
// floor, the rows named above it, the running rows.

const (
	// maxRunning bounds the running rows in one encoded list of positions. A subscription that resumes from a list with more does not
	// receive the end of the rest.
	maxRunning = 1000

	// maxIDLength bounds decoded log ids, in bytes.
	maxIDLength = 1024

	maxDecodedSeen = maxSeenInSecond + maxSeen
)

// append encodes the position without readAt.
func (p *position) append(b []byte) []byte { return p.appendBounded(b, maxRunning) }

func (p *position) appendBounded(b []byte, maxRows int) []byte {
	w := binenc.Writer(b)
	w.Int(p.floor)
	w.Uint(uint64(len(p.seen)))
	for _, m := range p.seen {
		w.Uint(uint64(m.second - p.floor))
		w.Fixed64(m.id)
	}
	listed := p.running[:min(maxRows, len(p.running))]
	w.Uint(uint64(len(listed)))
	for _, r := range listed {
		w.Text(r.id)
		w.Fixed32(r.content)
	}
	return w
}

// appendReadAt encodes the time in whole seconds, rounded up.
func (p *position) appendReadAt(b []byte) []byte {
	w := binenc.Writer(b)
	if p.readAt.IsZero() {
		w.Uint(0)
		return w
	}
	w.Uint(uint64(max(1, p.readAt.Add(time.Second-1).Unix())))
	return w
}

func encodePositions(list []*position) []byte {
	size, left := 0, maxRunning
	for _, p := range list {
		size += binary.MaxVarintLen64 + len(p.encoded)
	}
	b := make([]byte, 0, size)
	for _, p := range list {
		b = p.appendReadAt(b)
		if len(p.running) <= left {
			b = append(b, p.encoded...)
		} else {
			b = p.appendBounded(b, left)
		}
		left = max(0, left-len(p.running))
	}
	return b
}

// decodePositions decodes the positions in n groups. Bytes that encodePositions does not return are ErrBadPosition.
func decodePositions(b []byte, n int) ([]*position, error) {
	r := binenc.NewReader(string(b))
	list := make([]*position, n)
	for i := range list {
		second := r.Uint()
		p := readPosition(&r)
		if r.Failed() || second > math.MaxUint32 {
			return nil, upstream.ErrBadPosition
		}
		if second > 0 {
			p.readAt = time.Unix(int64(second), 0)
		}
		list[i] = p.compact()
	}
	if string(encodePositions(list)) != string(b) { // one list of positions has one encoding
		return nil, upstream.ErrBadPosition
	}
	return list, nil
}

// decodePosition decodes one position without readAt.
func decodePosition(b []byte) (*position, bool) {
	r := binenc.NewReader(string(b))
	p := readPosition(&r)
	if r.Failed() {
		return nil, false
	}
	p.compact()
	return p, string(p.encoded) == string(b)
}

// readPosition reads a position without readAt. It fails the reader if the position is not valid.
func readPosition(r *binenc.Reader) *position {
	p := &position{floor: r.Int()}
	n := r.Uint()
	if n > maxDecodedSeen {
		r.Fail()
		return p
	}
	for range n {
		above := r.Uint()
		second := p.floor + int64(above)
		if above > math.MaxInt32 || second < p.floor {
			r.Fail()
		}
		row := seenRow{second, r.Fixed64()}
		if r.Failed() {
			return p
		}
		p.seen = append(p.seen, row)
	}
	readRunning(r, p)
	return p
}

// readRunning reads the running rows, which are sorted by id.
func readRunning(r *binenc.Reader, p *position) {
	n := r.Uint()
	if n > maxRunning {
		r.Fail()
		return
	}
	for range n {
		length := r.Uint()
		if length == 0 || length > maxIDLength {
			r.Fail()
		}
		row := runningRow{r.Bytes(length), r.Fixed32()}
		if len(p.running) > 0 && p.running[len(p.running)-1].id >= row.id {
			r.Fail()
		}
		if r.Failed() {
			return
		}
		p.running = append(p.running, row)
	}
}
