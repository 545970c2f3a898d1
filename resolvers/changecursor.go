package resolvers

import (
	"crypto/hmac"
	"crypto/sha256"
)

// A cursor of a change is base64url over: version, scope, position of the subscription, and a keyed checksum if the server has a secret. A
// position names rows that the server looks up, so nobody else should be able to make one.
const (
	changeCursorVersion = 2
	checksumSize        = 16
)

// cursorKey keys the checksum of cursors; empty: they have none.
type cursorKey string

func (k cursorKey) size() int {
	if k == "" {
		return 0
	}
	return checksumSize
}

// checksum returns the checksum of a cursor's other bytes.
func (k cursorKey) checksum(b []byte) []byte {
	if k == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte("change cursor\x00"))
	mac.Write(b)
	return mac.Sum(nil)[:checksumSize]
}

func (s scope) sinceCursor(position []byte, key cursorKey) string {
	raw := make([]byte, 0, 1+len(s)+len(position)+key.size())
	raw = append(raw, changeCursorVersion)
	raw = append(raw, s[:]...)
	raw = append(raw, position...)
	return opaque(append(raw, key.checksum(raw)...))
}

// since decodes a cursor of a change. The error is one of the errCursor values; one with a wrong checksum is unreadable.
func (s scope) since(cursor string, key cursorKey) ([]byte, error) {
	raw, ok := transparent(cursor)
	if !ok || len(raw) <= 1+len(s)+key.size() {
		return nil, errCursorGarbled
	}
	switch v := raw[0]; {
	case v != changeCursorVersion && v >= oldestForeign && v <= newestForeign:
		return nil, errCursorVersion
	case v != changeCursorVersion:
		return nil, errCursorGarbled
	}
	body := raw[:len(raw)-key.size()]
	switch {
	case !hmac.Equal(raw[len(body):], key.checksum(body)):
		return nil, errCursorGarbled
	case scope(body[1:1+len(s)]) != s:
		return nil, errCursorMismatch
	}
	return body[1+len(s):], nil
}
