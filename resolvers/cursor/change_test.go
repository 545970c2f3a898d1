package cursor

import (
	"errors"
	"testing"

	"scalegraph/resolvers/opaque"
)

// TestChangeCursorChecksum accepts a cursor only with the key that it was made with, and with no byte changed.
func TestChangeCursorChecksum(t *testing.T) {
	s := Scope{hash: [scopeSize]byte{1, 2, 3}}
	s = s.Keyed("secret")
	cursor := s.EncodeChange([]byte("position"))
	if got, err := s.DecodeChange(cursor); err != nil || string(got) != "position" {
		t.Fatalf("%q, %v", got, err)
	}
	for _, key := range []string{"", "other"} {
		if got, err := s.Keyed(key).DecodeChange(cursor); err == nil && string(got) == "position" {
			t.Errorf("key %q: the cursor was accepted", key)
		}
	}
	if _, err := s.DecodeChange(s.Keyed("").EncodeChange([]byte("position"))); !errors.Is(err, ErrMalformed) {
		t.Errorf("without a checksum: %v", err)
	}
	raw, _ := opaque.Decode(cursor)
	for i := range raw {
		changed := []byte(string(raw))
		changed[i] ^= 0x40
		if _, err := s.DecodeChange(opaque.Encode(changed)); err == nil {
			t.Errorf("byte %d was changed, and the cursor accepted", i)
		}
	}
	if _, err := s.DecodeChange(opaque.Encode(append([]byte{version}, raw[1:]...))); !errors.Is(err, ErrVersion) {
		t.Errorf("of an earlier version: %v", err)
	}
}
