package resolvers

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// opaque returns the text under which packed bytes go to clients.
func opaque(raw []byte) string {
	var text [192]byte
	return string(base64.RawURLEncoding.AppendEncode(text[:0], raw))
}

// transparent undoes opaque, and takes nothing else: base64 by itself would skip line breaks.
func transparent(text string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && !strings.ContainsAny(text, "\r\n")
}

// Cursors and ids hold texts that are nearly always UUIDs or 32 hex digits; those take 16 bytes.
const (
	packedText = iota // length, then the bytes
	packedUUID        // lower case, with dashes
	packedHex         // 32 digits, lower case
)

// appendText appends s to b in the shortest form that gives s back.
func appendText(b []byte, s string) []byte {
	var digits [32]byte
	kind := digitsOf(s, &digits)
	b = append(b, byte(kind))
	if kind == packedText {
		b = binary.AppendUvarint(b, uint64(len(s)))
		return append(b, s...)
	}
	b, _ = hex.AppendDecode(b, digits[:]) // digitsOf lets only hex digits through
	return b
}

// digitsOf says how s is packed, and copies its hex digits where it is not packed as text.
func digitsOf(s string, digits *[32]byte) int {
	kind := packedHex
	switch {
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		kind = packedUUID
	case len(s) != 32:
		return packedText
	}
	n := 0
	for i := range len(s) {
		if kind == packedUUID && (i == 8 || i == 13 || i == 18 || i == 23) {
			continue
		}
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return packedText
		}
		digits[n] = s[i]
		n++
	}
	return kind
}

// unpacker takes packed values off the front of b. After the first that is not there, ok is false and all values are zero.
type unpacker struct {
	b  []byte
	ok bool
}

func (u *unpacker) bytes(n uint64) []byte {
	if !u.ok || n > uint64(len(u.b)) {
		u.ok, u.b = false, nil
		return nil
	}
	taken := u.b[:n]
	u.b = u.b[n:]
	return taken
}

func (u *unpacker) byte() byte {
	if b := u.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (u *unpacker) varint() int64 {
	v, n := binary.Varint(u.b)
	u.bytes(uint64(max(n, 0)))
	u.ok = u.ok && n > 0
	return v
}

func (u *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(u.b)
	u.bytes(uint64(max(n, 0)))
	u.ok = u.ok && n > 0
	return v
}

func (u *unpacker) text() string {
	switch u.byte() {
	case packedText:
		return string(u.bytes(u.uvarint()))
	case packedHex:
		return hex.EncodeToString(u.bytes(16))
	case packedUUID:
		d := hex.EncodeToString(u.bytes(16))
		if len(d) != 32 {
			return ""
		}
		return d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:]
	}
	u.ok = false
	return ""
}

// done reports whether all values were there and nothing is left.
func (u *unpacker) done() bool { return u.ok && len(u.b) == 0 }
