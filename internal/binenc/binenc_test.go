package binenc_test

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/internal/binenc"
)

// value is one written value, and a function that reads it again and compares.
type value struct {
	write func(*binenc.Writer)
	check func(*binenc.Reader) bool
}

func equal[T comparable](v T, write func(*binenc.Writer, T), read func(*binenc.Reader) T) value {
	return value{func(w *binenc.Writer) { write(w, v) }, func(r *binenc.Reader) bool { return read(r) == v }}
}

func optional[T comparable](v *T, write func(*binenc.Writer, *T), read func(*binenc.Reader) *T) value {
	return value{func(w *binenc.Writer) { write(w, v) }, func(r *binenc.Reader) bool {
		got := read(r)
		return got == nil && v == nil || got != nil && v != nil && *got == *v
	}}
}

func drawValue(t *rapid.T) value {
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return equal(rapid.Uint64().Draw(t, "uint"), (*binenc.Writer).Uint, (*binenc.Reader).Uint)
	case 1:
		return equal(rapid.Int64().Draw(t, "int"), (*binenc.Writer).Int, (*binenc.Reader).Int)
	case 2:
		return equal(rapid.String().Draw(t, "text"), (*binenc.Writer).Text, (*binenc.Reader).Text)
	case 3:
		return optional(rapid.Ptr(rapid.String(), true).Draw(t, "optional text"), (*binenc.Writer).OptText, (*binenc.Reader).OptText)
	case 4:
		return optional(rapid.Ptr(rapid.Int32(), true).Draw(t, "optional int"), (*binenc.Writer).OptInt32, (*binenc.Reader).OptInt32)
	case 5:
		n := rapid.Int64Range(1, 1<<62).Draw(t, "nanoseconds")
		return equal(time.Unix(0, n).UTC(), (*binenc.Writer).Time, (*binenc.Reader).Time)
	case 6:
		return equal(rapid.Uint64().Draw(t, "fixed"), (*binenc.Writer).Fixed64, (*binenc.Reader).Fixed64)
	case 7:
		return equal(rapid.Uint32().Draw(t, "fixed"), (*binenc.Writer).Fixed32, (*binenc.Reader).Fixed32)
	}
	a, b := rapid.Bool().Draw(t, "a"), rapid.Bool().Draw(t, "b")
	return value{func(w *binenc.Writer) { w.Flags(a, b) }, func(r *binenc.Reader) bool {
		var c, d bool
		r.Flags(&c, &d)
		return a == c && b == d
	}}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Custom(drawValue)).Draw(t, "values")
		var w binenc.Writer
		for _, v := range values {
			v.write(&w)
		}
		r := binenc.NewReader(string(w))
		for i, v := range values {
			if !v.check(&r) {
				t.Fatalf("value %d differs", i)
			}
		}
		if !r.Done() {
			t.Fatal("bytes are left")
		}
		if len(w) == 0 {
			return
		}
		short := binenc.NewReader(string(w[:len(w)-1]))
		for _, v := range values {
			v.check(&short)
		}
		if short.Done() {
			t.Fatal("input without its last byte was read")
		}
	})
}

// The numbers are those of encoding/binary, and are rejected if that rejects them.
func TestNumbersAreVarints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bytes")
		want, n := binary.Uvarint(b)
		r := binenc.NewReader(string(b))
		if got := r.Uint(); r.Failed() != (n <= 0) || n > 0 && got != want {
			t.Fatalf("%d, failed %v; want %d of %d bytes", got, r.Failed(), want, n)
		}
	})
}

func TestReaderRejectsMalformedValues(t *testing.T) {
	var large binenc.Writer
	large.Int(1 << 40)
	for name, read := range map[string]func(*binenc.Reader){
		"\x04":                 func(r *binenc.Reader) { var a, b bool; r.Flags(&a, &b) },
		"\x05abc":              func(r *binenc.Reader) { _ = r.Text() },
		"\x05":                 func(r *binenc.Reader) { _ = r.Count() },
		string(large):          func(r *binenc.Reader) { _ = r.Int32() },
		string(large) + "\x01": func(r *binenc.Reader) { _ = r.OptInt32() },
	} {
		r := binenc.NewReader(name)
		if read(&r); !r.Failed() || r.Done() {
			t.Errorf("%q was read", name)
		}
		if r.Uint() != 0 || r.Text() != "" || r.OptText() != nil {
			t.Errorf("%q: values were read after a malformed one", name)
		}
	}
}
