package resolvers

import (
	"errors"
	"testing"
)

// TestChangeCursorChecksum accepts a cursor only with the key that it was made with, and with no byte changed.
func TestChangeCursorChecksum(t *testing.T) {
	s := scope{hash: [scopeSize]byte{1, 2, 3}}
	s = s.keyed("secret")
	cursor := s.sinceCursor([]byte("position"))
	if got, err := s.since(cursor); err != nil || string(got) != "position" {
		t.Fatalf("%q, %v", got, err)
	}
	for _, key := range []string{"", "other"} {
		if got, err := s.keyed(key).since(cursor); err == nil && string(got) == "position" {
			t.Errorf("key %q: the cursor was accepted", key)
		}
	}
	if _, err := s.since(s.keyed("").sinceCursor([]byte("position"))); !errors.Is(err, errCursorGarbled) {
		t.Errorf("without a checksum: %v", err)
	}
	raw, _ := transparent(cursor)
	for i := range raw {
		changed := []byte(string(raw))
		changed[i] ^= 0x40
		if _, err := s.since(opaque(changed)); err == nil {
			t.Errorf("byte %d was changed, and the cursor accepted", i)
		}
	}
	if _, err := s.since(opaque(append([]byte{cursorVersion}, raw[1:]...))); !errors.Is(err, errCursorVersion) {
		t.Errorf("of an earlier version: %v", err)
	}
}
