package cursor

import "scalegraph/resolvers/opaque"

// EncodeChange returns the cursor of a change: base64url over version, scope, the position of the subscription, and checksum. The checksum
// matters, because the server looks up the rows that a position names.
func (s Scope) EncodeChange(position []byte) string {
	raw := make([]byte, 0, 1+scopeSize+len(position)+checksumSize)
	raw = append(raw, changeVersion)
	raw = append(raw, s.hash[:]...)
	return opaque.Encode(s.key.seal(append(raw, position...)))
}

// DecodeChange returns the position in a cursor of a change. The error is ErrMalformed, also for a wrong checksum, ErrVersion or ErrScope.
func (s Scope) DecodeChange(cursor string) ([]byte, error) {
	raw, ok := opaque.Decode(cursor)
	if !ok || len(raw) == 0 {
		return nil, ErrMalformed
	}
	switch v := raw[0]; {
	case v != changeVersion && v >= minVersion && v <= maxVersion:
		return nil, ErrVersion
	case v != changeVersion:
		return nil, ErrMalformed
	}
	body, ok := s.key.open(raw)
	switch {
	case !ok || len(body) <= 1+scopeSize:
		return nil, ErrMalformed
	case [scopeSize]byte(body[1:]) != s.hash:
		return nil, ErrScope
	}
	return body[1+scopeSize:], nil
}
