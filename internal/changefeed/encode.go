package changefeed

import (
	"encoding/binary"
	"math"
	"time"

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
	b = binary.AppendVarint(b, p.floor)
	b = binary.AppendUvarint(b, uint64(len(p.seen)))
	for _, m := range p.seen {
		b = binary.AppendUvarint(b, uint64(m.second-p.floor))
		b = binary.BigEndian.AppendUint64(b, m.id)
	}
	listed := p.running[:min(maxRows, len(p.running))]
	b = binary.AppendUvarint(b, uint64(len(listed)))
	for _, r := range listed {
		b = binary.AppendUvarint(b, uint64(len(r.id)))
		b = append(b, r.id...)
		b = binary.BigEndian.AppendUint32(b, r.content)
	}
	return b
}

// appendReadAt encodes the time in whole seconds, rounded up.
func (p *position) appendReadAt(b []byte) []byte {
	if p.readAt.IsZero() {
		return binary.AppendUvarint(b, 0)
	}
	return binary.AppendUvarint(b, uint64(max(1, p.readAt.Add(time.Second-1).Unix())))
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

// decodePositions decodes the positions in n groups. Bytes that encodePositions does not return are ErrPositionGarbled.
func decodePositions(b []byte, n int) ([]*position, error) {
	d := decoder{b}
	list := make([]*position, n)
	for i := range list {
		second, timed := d.uvarint()
		p, ok := d.position()
		if !timed || !ok || second > math.MaxUint32 {
			return nil, upstream.ErrPositionGarbled
		}
		if second > 0 {
			p.readAt = time.Unix(int64(second), 0)
		}
		list[i] = p.compact()
	}
	if string(encodePositions(list)) != string(b) { // one list of positions has one encoding
		return nil, upstream.ErrPositionGarbled
	}
	return list, nil
}

// decodePosition decodes one position without readAt.
func decodePosition(b []byte) (*position, bool) {
	d := decoder{b}
	p, ok := d.position()
	if !ok {
		return nil, false
	}
	p.compact()
	return p, string(p.encoded) == string(b)
}

// decoder reads values from the front of b; its methods return false if there is none.
type decoder struct{ b []byte }

func (d *decoder) position() (*position, bool) {
	floor, ok := d.varint()
	n, counted := d.uvarint()
	if !ok || !counted || n > maxDecodedSeen {
		return nil, false
	}
	p := &position{floor: floor}
	for range n {
		above, ok := d.uvarint()
		id, whole := d.bytes(8)
		second := floor + int64(above)
		if !ok || !whole || above > math.MaxInt32 || second < floor {
			return nil, false
		}
		p.seen = append(p.seen, seenRow{second, binary.BigEndian.Uint64(id)})
	}
	return p, d.running(p)
}

func (d *decoder) running(p *position) bool {
	n, ok := d.uvarint()
	if !ok || n > maxRunning {
		return false
	}
	for range n {
		length, ok := d.uvarint()
		if !ok || length == 0 || length > maxIDLength {
			return false
		}
		id, named := d.bytes(int(length))
		hash, whole := d.bytes(4)
		if !named || !whole || len(p.running) > 0 && p.running[len(p.running)-1].id >= string(id) {
			return false
		}
		p.running = append(p.running, runningRow{string(id), binary.BigEndian.Uint32(hash)})
	}
	return true
}

func (d *decoder) varint() (int64, bool) {
	v, n := binary.Varint(d.b)
	d.b = d.b[max(n, 0):]
	return v, n > 0
}

func (d *decoder) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(d.b)
	d.b = d.b[max(n, 0):]
	return v, n > 0
}

func (d *decoder) bytes(n int) ([]byte, bool) {
	if n > len(d.b) {
		return nil, false
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b, true
}
