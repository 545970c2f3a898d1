package resolvers

// A cursor of a change is base64url over: version, scope, position of the subscription, and a keyed checksum if the server has a secret. A
// position names rows that the server looks up, so nobody else should be able to make one.
const changeCursorVersion = 2

func (s scope) sinceCursor(position []byte) string {
	raw := make([]byte, 0, 1+scopeSize+len(position)+checksumSize)
	raw = append(raw, changeCursorVersion)
	raw = append(raw, s.hash[:]...)
	return opaque(s.key.seal(append(raw, position...)))
}

// since decodes a cursor of a change. The error is one of the errCursor values; one with a wrong checksum is unreadable.
func (s scope) since(cursor string) ([]byte, error) {
	raw, ok := transparent(cursor)
	if !ok || len(raw) == 0 {
		return nil, errCursorGarbled
	}
	switch v := raw[0]; {
	case v != changeCursorVersion && v >= oldestForeign && v <= newestForeign:
		return nil, errCursorVersion
	case v != changeCursorVersion:
		return nil, errCursorGarbled
	}
	body, ok := s.key.open(raw)
	switch {
	case !ok || len(body) <= 1+scopeSize:
		return nil, errCursorGarbled
	case [scopeSize]byte(body[1:]) != s.hash:
		return nil, errCursorMismatch
	}
	return body[1+scopeSize:], nil
}
