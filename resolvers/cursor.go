package resolvers

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"scalegraph/upstream"
)

// A cursor is base64url over: version, scope, start second, index of the group, log id, and a keyed checksum if the server has
// a secret. Nothing in it changes while the row exists, so a row has the same cursor in every response for the same groups and
// filter.
const cursorVersion = 1

// oldestForeign to newestForeign are version bytes that other versions of this server use. Text that merely looks like
// base64 decodes to other first bytes mostly, and is refused as unreadable rather than as outdated.
const (
	oldestForeign = 1
	newestForeign = 31
	shortest      = 1 + scopeSize + 4 // second, index, form and length of the id take a byte each at least
)

// The seconds that a start time can have: the years 0 to 9999.
const (
	firstSecond = -62167219200
	lastSecond  = 253402300799
)

// What is wrong with a cursor.
var (
	errCursorGarbled  = errors.New("not a cursor")
	errCursorVersion  = errors.New("a cursor of another version")
	errCursorMismatch = errors.New("a cursor of other groups or another filter")
)

const scopeSize = 8 // bytes

// scope says which groups and filter a cursor belongs to, by a hash of both, and keys the checksum of the cursors.
type scope struct {
	hash [scopeSize]byte
	key  cursorKey
}

// keyed returns the scope with cursors that are signed with a secret; without a secret they are not signed.
func (s scope) keyed(secret string) scope { return scope{s.hash, cursorKey(secret)} }

func groupScope(g upstream.Group, f upstream.Filter) scope {
	return newScope("group", []upstream.Group{g}, f)
}

// feedScope wants the groups sorted and without repeats.
func feedScope(groups []upstream.Group, f upstream.Filter) scope { return newScope("feed", groups, f) }

func newScope(kind string, groups []upstream.Group, f upstream.Filter) scope {
	b := make([]byte, 0, 256)
	b = appendText(b, kind)
	b = binary.AppendUvarint(b, uint64(len(groups)))
	for _, g := range groups {
		b = appendGroup(b, g)
	}
	b = append(b, f.Key()...)
	return hashedScope(b)
}

func hashedScope(b []byte) scope {
	sum := sha256.Sum256(b)
	return scope{hash: [scopeSize]byte(sum[:])}
}

// place is what a cursor points at. The index is that of the group in a merged feed, and 0 elsewhere.
type place struct {
	second int64
	index  int
	logID  string
}

// cursor returns the cursor of a place.
func (s scope) cursor(p place) string {
	var raw [96]byte
	return opaque(s.key.seal(s.appendCursor(raw[:0], p)))
}

func (s scope) appendCursor(b []byte, p place) []byte {
	b = append(b, cursorVersion)
	b = append(b, s.hash[:]...)
	b = binary.AppendVarint(b, p.second)
	b = binary.AppendUvarint(b, uint64(p.index))
	return appendText(b, p.logID)
}

// place reads a cursor of one of n groups. The error is one of the errCursor values.
func (s scope) place(cursor string, n int) (place, error) {
	raw, ok := transparent(cursor)
	if !ok || len(raw) < shortest {
		return place{}, errCursorGarbled
	}
	if v := raw[0]; v != cursorVersion && v >= oldestForeign && v <= newestForeign {
		return place{}, errCursorVersion
	}
	body, ok := s.key.open(raw)
	if !ok {
		return place{}, errCursorGarbled
	}
	p, of, ok := readCursor(body)
	switch {
	case !ok:
		return place{}, errCursorGarbled
	case of.hash != s.hash:
		return place{}, errCursorMismatch
	case p.index >= n:
		return place{}, errCursorGarbled
	}
	return p, nil
}

// readCursor takes only what appendCursor gives: one place has one cursor.
func readCursor(raw []byte) (place, scope, bool) {
	var s scope
	u := unpacker{raw, true}
	version := u.byte()
	copy(s.hash[:], u.bytes(scopeSize))
	p := place{second: u.varint()}
	index := u.uvarint()
	p.index = int(min(index, maxGroups))
	p.logID = u.text()
	ok := u.done() && version == cursorVersion && index < maxGroups && p.logID != "" &&
		p.second >= firstSecond && p.second <= lastSecond
	return p, s, ok && string(s.appendCursor(nil, p)) == string(raw)
}
