package cache

import (
	"crypto/sha256"
	"encoding/binary"

	"scalegraph/upstream"
)

// A view is one group's log under one filter: what rows are kept by. Whose credential read them is no part of it, see grants.
type view struct {
	group  upstream.Group
	filter upstream.Filter
	hash   viewHash
}

// viewHash stands for a view in keys. Region, project and group are in it, each with its length.
type viewHash [16]byte

func newView(g upstream.Group, f upstream.Filter) view {
	return view{group: g, filter: f, hash: hashOf(g.Region, g.Project, g.ID, f.Key())}
}

func hashOf(words ...string) viewHash {
	text := make([]byte, 0, 256) // on the stack: this is done several times for each page
	for _, w := range words {
		text = binary.AppendUvarint(text, uint64(len(w)))
		text = append(text, w...)
	}
	sum := sha256.Sum256(text)
	return viewHash(sum[:len(viewHash{})])
}

// A part names a piece of a view: the head, or an aligned block by its number, see block.go.
type part int

const (
	headPart   part = -1 // the newest rows
	doingPart  part = -2 // no piece: a look at what still runs, see final.go
	proofPart  part = -3 // no piece: the call that proves a credential's right
	directPart part = -4 // no piece: a read passed on as it was asked
)
