package binenc

import (
	"math"
	"time"
)

// Reader reads values in the order in which they were written. After the first one that is malformed or missing, all further values are zero
// and Done returns false. Texts that it returns share the memory of the input.
type Reader struct {
	rest   string
	failed bool
	ints   []int32 // allocated for several values at once
}

// NewReader returns a Reader of s.
func NewReader(s string) Reader { return Reader{rest: s} }

// Fail marks the input as malformed, if a value is not one that the format allows.
func (r *Reader) Fail() { r.rest, r.failed = "", true }

// Failed reports whether a value was malformed or missing.
func (r *Reader) Failed() bool { return r.failed }

// Done reports whether all values were read and no bytes are left.
func (r *Reader) Done() bool { return !r.failed && r.rest == "" }

// Uint reads an unsigned number.
func (r *Reader) Uint() uint64 {
	var n uint64
	for i := range len(r.rest) {
		c := r.rest[i]
		if i == 9 && c > 1 {
			break // more than 64 bits
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.Fail()
	return 0
}

// Int reads a signed number.
func (r *Reader) Int() int64 {
	u := r.Uint()
	return int64(u>>1) ^ -int64(u&1)
}

// Int32 reads a signed number of at most 32 bits.
func (r *Reader) Int32() int32 {
	n := r.Int()
	if n != int64(int32(n)) {
		r.Fail()
		return 0
	}
	return int32(n)
}

// OptInt32 reads a number as written by Writer.OptInt32.
func (r *Reader) OptInt32() *int32 {
	u := r.Uint()
	if u == 0 {
		return nil
	}
	if u--; u > math.MaxUint32 {
		r.Fail()
		return nil
	}
	if len(r.ints) == 0 {
		r.ints = make([]int32, 60)
	}
	n := &r.ints[0]
	*n, r.ints = int32(u>>1)^-int32(u&1), r.ints[1:]
	return n
}

// Count reads the number of values that follow, each of which takes at least one byte.
func (r *Reader) Count() int {
	n := r.Uint()
	if n > uint64(len(r.rest)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Bytes reads n bytes.
func (r *Reader) Bytes(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.Fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if s := r.Bytes(1); s != "" {
		return s[0]
	}
	return 0
}

// Text reads a text.
func (r *Reader) Text() string { return r.Bytes(r.Uint()) }

// OptText reads a text as written by Writer.OptText.
func (r *Reader) OptText() *string {
	n := r.Uint()
	if n == 0 {
		return nil
	}
	s := r.Bytes(n - 1)
	return &s
}

// Time reads a time, in UTC.
func (r *Reader) Time() time.Time {
	n := r.Int()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Flags reads a byte of flags. It fails if others than these are set.
func (r *Reader) Flags(all ...*bool) {
	b := r.Byte()
	if b>>len(all) != 0 {
		r.Fail()
	}
	for i, flag := range all {
		*flag = b&(1<<i) != 0
	}
}

// Fixed64 reads a number of eight bytes.
func (r *Reader) Fixed64() uint64 { return r.fixed(8) }

// Fixed32 reads a number of four bytes.
func (r *Reader) Fixed32() uint32 { return uint32(r.fixed(4)) }

func (r *Reader) fixed(size uint64) (n uint64) {
	for _, c := range []byte(r.Bytes(size)) {
		n = n<<8 | uint64(c)
	}
	return n
}
