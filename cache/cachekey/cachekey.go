// Package cachekey defines the keys of cached values in memory and in Redis.
package cachekey

import (
	"crypto/sha256"
	"encoding/binary"

	"scalegraph/upstream"
)

// Log identifies one group's log under one filter, for which rows are cached. It contains no credential: see package access.
type Log struct {
	Group  upstream.Group
	Filter upstream.Filter
	Hash   Hash
}

// Hash is the hash of several words, for use in keys.
type Hash [16]byte

// NewLog returns the key of a group's log under a filter.
func NewLog(g upstream.Group, f upstream.Filter) Log {
	return Log{Group: g, Filter: f, Hash: Of(g.Region, g.Project, g.ID, f.Key())}
}

// Of returns the hash of the words, each with its length.
func Of(words ...string) Hash {
	text := make([]byte, 0, 256) // on the stack, since this runs several times for each page
	for _, w := range words {
		text = binary.AppendUvarint(text, uint64(len(w)))
		text = append(text, w...)
	}
	sum := sha256.Sum256(text)
	return Hash(sum[:len(Hash{})])
}
