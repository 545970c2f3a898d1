package cache

import (
	"crypto/sha256"
	"encoding/binary"

	"scalegraph/upstream"
)

// logKey identifies one group's log under one filter, for which rows are cached. The credential is not part of it, see grants.
type logKey struct {
	group  upstream.Group
	filter upstream.Filter
	hash   keyHash
}

// keyHash is a hash for use in keys. It covers region, project and group, each with its length.
type keyHash [16]byte

func newLogKey(g upstream.Group, f upstream.Filter) logKey {
	return logKey{group: g, filter: f, hash: hashKey(g.Region, g.Project, g.ID, f.Key())}
}

func hashKey(words ...string) keyHash {
	text := make([]byte, 0, 256) // on the stack, since this runs several times for each page
	for _, w := range words {
		text = binary.AppendUvarint(text, uint64(len(w)))
		text = append(text, w...)
	}
	sum := sha256.Sum256(text)
	return keyHash(sum[:len(keyHash{})])
}
