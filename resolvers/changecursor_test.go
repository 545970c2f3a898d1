package resolvers

import (
	"errors"
	"testing"
)

// TestChangeCursorChecksum accepts a cursor only with the key that it was made with, and with no byte changed.
func TestChangeCursorChecksum(t *testing.T) {
	s := scope{1, 2, 3}
	cursor := s.sinceCursor([]byte("position"), "secret")
	if got, err := s.since(cursor, "secret"); err != nil || string(got) != "position" {
		t.Fatalf("%q, %v", got, err)
	}
	for _, key := range []cursorKey{"", "other"} {
		if got, err := s.since(cursor, key); err == nil && string(got) == "position" {
			t.Errorf("key %q: the cursor was accepted", key)
		}
	}
	if _, err := s.since(s.sinceCursor([]byte("position"), ""), "secret"); !errors.Is(err, errCursorGarbled) {
		t.Errorf("without a checksum: %v", err)
	}
	raw, _ := transparent(cursor)
	for i := range raw {
		changed := []byte(string(raw))
		changed[i] ^= 0x40
		if _, err := s.since(opaque(changed), "secret"); err == nil {
			t.Errorf("byte %d was changed, and the cursor accepted", i)
		}
	}
	if _, err := s.since(opaque(append([]byte{cursorVersion}, raw[1:]...)), "secret"); !errors.Is(err, errCursorVersion) {
		t.Errorf("of an earlier version: %v", err)
	}
}
