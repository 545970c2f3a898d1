// Package cursor encodes the cursors of connections and of subscriptions. A cursor belongs to a Scope: the same groups or project, and the same
// filter. It contains the place of a row, which does not change while the row exists, so that a row has the same cursor in every response.
package cursor

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"scalegraph/resolvers/opaque"
	"scalegraph/upstream"
)

// The errors of decoding a cursor.
var (
	ErrMalformed = errors.New("not a cursor")
	ErrVersion   = errors.New("a cursor of another version")
	ErrScope     = errors.New("a cursor of other groups or another filter")
)

// version is the first byte of cursors of rows and of list entries; changeVersion is that of cursors of changes.
const (
	version       = 1
	changeVersion = 2
)

// minVersion to maxVersion are the first bytes that other versions of this server use. Text that merely looks like base64 mostly decodes to other
// first bytes, and is malformed rather than outdated.
const (
	minVersion = 1
	maxVersion = 31
)

const scopeSize = 8 // bytes

// Scope is a hash of the groups and the filter that a cursor belongs to, and the key of its checksum. The zero Scope belongs to nothing.
type Scope struct {
	hash [scopeSize]byte
	key  key
}

// Keyed returns the scope with cursors that are signed with a secret; they are not signed if it is empty.
func (s Scope) Keyed(secret string) Scope { return Scope{s.hash, key(secret)} }

// ForGroup is the scope of the log of one group.
func ForGroup(g upstream.Group, f upstream.Filter) Scope {
	return forGroups("group", []upstream.Group{g}, f)
}

// ForFeed is the scope of a feed of groups, which must be sorted and without repeats.
func ForFeed(groups []upstream.Group, f upstream.Filter) Scope { return forGroups("feed", groups, f) }

// ForChanges is the scope of a subscription to groups, which must be sorted and without repeats.
func ForChanges(groups []upstream.Group, f upstream.Filter) Scope {
	return forGroups("changes", groups, f)
}

// ForList returns the scope of a list that is paged in memory: its kind, the project or group that it belongs to, and its filter as a text.
func ForList(kind string, g upstream.Group, filter string) Scope {
	b := opaque.AppendText(nil, kind)
	b = opaque.AppendGroup(b, g)
	return hashed(append(b, filter...))
}

func forGroups(kind string, groups []upstream.Group, f upstream.Filter) Scope {
	b := make([]byte, 0, 256)
	b = opaque.AppendText(b, kind)
	b = binary.AppendUvarint(b, uint64(len(groups)))
	for _, g := range groups {
		b = opaque.AppendGroup(b, g)
	}
	return hashed(append(b, f.Key()...))
}

func hashed(b []byte) Scope {
	sum := sha256.Sum256(b)
	return Scope{hash: [scopeSize]byte(sum[:])}
}
