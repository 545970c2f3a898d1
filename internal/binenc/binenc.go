// Package binenc reads and writes the values of the project's binary formats: cursors, positions of change feeds, and values in Redis. Numbers
// are varints of encoding/binary; texts are their length and their bytes.
package binenc

import (
	"encoding/binary"
	"time"
)

// Writer is the bytes written so far. Its methods append one value each.
type Writer []byte

// Uint appends an unsigned number.
func (w *Writer) Uint(n uint64) { *w = binary.AppendUvarint(*w, n) }

// Int appends a signed number.
func (w *Writer) Int(n int64) { *w = binary.AppendVarint(*w, n) }

// Text appends a text.
func (w *Writer) Text(s string) {
	w.Uint(uint64(len(s)))
	*w = append(*w, s...)
}

// OptText appends a text, or nil.
func (w *Writer) OptText(s *string) {
	if s == nil {
		w.Uint(0)
		return
	}
	w.Uint(uint64(len(*s)) + 1)
	*w = append(*w, *s...)
}

// OptInt32 appends a number, or nil.
func (w *Writer) OptInt32(n *int32) {
	if n == nil {
		w.Uint(0)
		return
	}
	w.Uint(uint64(zigzag(*n)) + 1)
}

// zigzag maps numbers with a small absolute value to small unsigned numbers.
func zigzag(n int32) uint32 { return uint32(n<<1) ^ uint32(n>>31) }

// Time appends a time in nanoseconds since 1970. The zero time is 0.
func (w *Writer) Time(t time.Time) {
	if t.IsZero() {
		w.Int(0)
		return
	}
	w.Int(t.UnixNano())
}

// Flags appends at most eight flags as one byte.
func (w *Writer) Flags(all ...bool) {
	var bits byte
	for i, b := range all {
		if b {
			bits |= 1 << i
		}
	}
	*w = append(*w, bits)
}

// Fixed64 appends a number as eight bytes.
func (w *Writer) Fixed64(n uint64) { *w = binary.BigEndian.AppendUint64(*w, n) }

// Fixed32 appends a number as four bytes.
func (w *Writer) Fixed32(n uint32) { *w = binary.BigEndian.AppendUint32(*w, n) }
