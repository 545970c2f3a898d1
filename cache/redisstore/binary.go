package redisstore

import (
	"encoding/binary"
	"math"
	"time"
)

// writer appends values. reader consumes them; after the first invalid one failed is set and all further values are zero.
type writer struct{ b []byte }

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) texts(all ...*string) {
	for _, s := range all {
		if s != nil {
			w.text(*s)
		}
	}
}

// time writes nanoseconds since 1970, and 0 for the zero time.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.int(0)
		return
	}
	w.int(t.UnixNano())
}

func (w *writer) flags(all ...bool) {
	var bits byte
	for i, b := range all {
		if b {
			bits |= 1 << i
		}
	}
	w.b = append(w.b, bits)
}

type reader struct {
	s      string
	failed bool
	ints   []int32 // allocated for several rows at once, which have the same lifetime
}

func (r *reader) fail() { r.s, r.failed = "", true }

func (r *reader) uint() uint64 {
	var n uint64
	for i := range min(len(r.s), binary.MaxVarintLen64) {
		c := r.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// rowCount reads a number of rows.
func (r *reader) rowCount() int {
	n := r.int()
	if n < -1 || n > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) int32() int32 {
	n := r.int()
	if n != int64(int32(n)) {
		r.fail()
	}
	return int32(n)
}

func (r *reader) optInt32(present bool) *int32 {
	if !present {
		return nil
	}
	if len(r.ints) == 0 {
		r.ints = make([]int32, 60)
	}
	n := &r.ints[0]
	*n, r.ints = r.int32(), r.ints[1:]
	return n
}

// count reads the number of values that follow, each at least one byte long.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count()
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) optText(present bool) *string {
	if !present {
		return nil
	}
	s := r.text()
	return &s
}

func (r *reader) time() time.Time {
	n := r.int()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (r *reader) flags(all ...*bool) {
	if r.s == "" || r.s[0]>>len(all) != 0 {
		r.fail()
		return
	}
	for i, b := range all {
		*b = r.s[0]&(1<<i) != 0
	}
	r.s = r.s[1:]
}
