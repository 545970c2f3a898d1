package cursor

import (
	"crypto/hmac"
	"crypto/sha256"
)

const checksumSize = 16 // bytes

// key is the secret of the checksum of cursors, so that only this server can make one; empty: cursors have no checksum.
type key string

// seal appends the checksum of b.
func (k key) seal(b []byte) []byte { return append(b, k.checksum(b)...) }

// open returns sealed bytes without their checksum; false if the checksum is wrong.
func (k key) open(sealed []byte) ([]byte, bool) {
	if k == "" {
		return sealed, true
	}
	n := len(sealed) - checksumSize
	if n < 0 {
		return nil, false
	}
	return sealed[:n], hmac.Equal(sealed[n:], k.checksum(sealed[:n]))
}

// checksum returns the checksum of a cursor, nil without a key. It covers the version and the scope, so a cursor of one kind is not valid
// as one of another.
func (k key) checksum(b []byte) []byte {
	if k == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte("cursor\x00"))
	mac.Write(b)
	return mac.Sum(nil)[:checksumSize]
}
