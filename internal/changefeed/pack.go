package changefeed

import (
	"encoding/binary"
	"math"

	"scalegraph/upstream"
)

// A packed position has, for each group in their order: the floor, the marks of the rows above it, the running rows.

// maxRunning bounds the running rows that all positions of one packed list name together. A subscription that resumes from a
// list with more does not hear of the end of the rest.
const maxRunning = 1000

// mostSeen bounds the marks that are taken from outside: those of the newest second come on top of maxSeen.
const mostSeen = 8 * maxSeen

// maxIDLength bounds log ids that are taken from outside, in bytes.
const maxIDLength = 1024

func (p *position) append(b []byte) []byte { return p.appendBounded(b, maxRunning) }

func (p *position) appendBounded(b []byte, most int) []byte {
	b = binary.AppendVarint(b, p.floor)
	b = binary.AppendUvarint(b, uint64(len(p.seen)))
	for _, m := range p.seen {
		b = binary.AppendUvarint(b, uint64(m.second-p.floor))
		b = binary.BigEndian.AppendUint64(b, m.id)
	}
	listed := p.running[:min(most, len(p.running))]
	b = binary.AppendUvarint(b, uint64(len(listed)))
	for _, r := range listed {
		b = binary.AppendUvarint(b, uint64(len(r.id)))
		b = append(b, r.id...)
		b = binary.BigEndian.AppendUint32(b, r.content)
	}
	return b
}

// pack joins positions.
func pack(list []*position) []byte {
	size, left := 0, maxRunning
	for _, p := range list {
		size += len(p.packed)
	}
	b := make([]byte, 0, size)
	for _, p := range list {
		if len(p.running) <= left {
			b = append(b, p.packed...)
		} else {
			b = p.appendBounded(b, left)
		}
		left = max(0, left-len(p.running))
	}
	return b
}

// unpack reads the positions of n groups. What is not of pack is ErrPositionGarbled.
func unpack(b []byte, n int) ([]*position, error) {
	u := unpacker{b}
	list := make([]*position, n)
	for i := range list {
		p, ok := u.position()
		if !ok {
			return nil, upstream.ErrPositionGarbled
		}
		list[i] = p.settle()
	}
	if string(pack(list)) != string(b) { // one list of positions has one form
		return nil, upstream.ErrPositionGarbled
	}
	return list, nil
}

// unpacker takes values off the front of b; false where they are not there.
type unpacker struct{ b []byte }

func (u *unpacker) position() (*position, bool) {
	floor, ok := u.varint()
	n, counted := u.uvarint()
	if !ok || !counted || n > mostSeen {
		return nil, false
	}
	p := &position{floor: floor}
	for range n {
		above, ok := u.uvarint()
		id, whole := u.bytes(8)
		second := floor + int64(above)
		if !ok || !whole || above > math.MaxInt32 || second < floor {
			return nil, false
		}
		p.seen = append(p.seen, mark{second, binary.BigEndian.Uint64(id)})
	}
	return p, u.running(p)
}

func (u *unpacker) running(p *position) bool {
	n, ok := u.uvarint()
	if !ok || n > maxRunning {
		return false
	}
	for range n {
		length, ok := u.uvarint()
		if !ok || length == 0 || length > maxIDLength {
			return false
		}
		id, named := u.bytes(int(length))
		hash, whole := u.bytes(4)
		if !named || !whole || len(p.running) > 0 && p.running[len(p.running)-1].id >= string(id) {
			return false
		}
		p.running = append(p.running, running{string(id), binary.BigEndian.Uint32(hash)})
	}
	return true
}

func (u *unpacker) varint() (int64, bool) {
	v, n := binary.Varint(u.b)
	u.b = u.b[max(n, 0):]
	return v, n > 0
}

func (u *unpacker) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(u.b)
	u.b = u.b[max(n, 0):]
	return v, n > 0
}

func (u *unpacker) bytes(n int) ([]byte, bool) {
	if n > len(u.b) {
		return nil, false
	}
	taken := u.b[:n]
	u.b = u.b[n:]
	return taken, true
}
