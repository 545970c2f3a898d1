package cursor

import (
	"cmp"
	"encoding/binary"
	"strings"

	"scalegraph/resolvers/opaque"
)

// Position is the place of an entry in a list that is paged in memory: second descending, then the two texts ascending, by code point. It must not
// change while the entry keeps its place.
type Position struct {
	Second int64
	Texts  [2]string
}

// Compare orders positions as their list does.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(q.Second, p.Second), strings.Compare(p.Texts[0], q.Texts[0]), strings.Compare(p.Texts[1], q.Texts[1]))
}

// EncodePosition returns the cursor of a position: base64url over version, scope, position and checksum.
func (s Scope) EncodePosition(p Position) string {
	b := append([]byte{version}, s.hash[:]...)
	b = binary.AppendVarint(b, p.Second)
	b = opaque.AppendText(b, p.Texts[0])
	return opaque.Encode(s.key.seal(opaque.AppendText(b, p.Texts[1])))
}

// DecodePosition decodes a cursor of a list. The error is ErrMalformed, ErrVersion or ErrScope.
func (s Scope) DecodePosition(cursor string) (Position, error) {
	raw, ok := opaque.Decode(cursor)
	if ok && len(raw) > 0 && raw[0] != version && raw[0] <= maxVersion {
		return Position{}, ErrVersion
	}
	body, signed := s.key.open(raw)
	if !ok || !signed {
		return Position{}, ErrMalformed
	}
	in := opaque.NewReader(body)
	v := in.Byte()
	var scope Scope
	copy(scope.hash[:], in.Bytes(scopeSize))
	p := Position{Second: in.Int()}
	p.Texts[0], p.Texts[1] = in.Text(), in.Text()
	switch {
	case !in.Done() || v != version:
		return Position{}, ErrMalformed
	case scope.hash != s.hash:
		return Position{}, ErrScope
	case s.EncodePosition(p) != cursor:
		return Position{}, ErrMalformed // one position has one cursor
	}
	return p, nil
}
