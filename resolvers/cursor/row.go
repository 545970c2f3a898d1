package cursor

import (
	"encoding/binary"

	"scalegraph/resolvers/opaque"
)

// MinSecond and MaxSecond bound the Unix times that a row can have: the years 0 to 9999.
const (
	MinSecond = -62167219200
	MaxSecond = 253402300799
)

// minRowSize is the size of the shortest cursor of a row: second, index, and form and length of the id take at least a byte each.
const minRowSize = 1 + scopeSize + 4

// maxIndex bounds indices: a feed with indices in its cursors has at most so many groups.
const maxIndex = 100

// Row is the place of an activity in a log or in a feed.
type Row struct {
	Second int64  // Unix time of its start
	Index  int    // of its group in the feed; 0 in the log of one group
	LogID  string // never empty
}

// EncodeRow returns the cursor of a row: base64url over version, scope, row and checksum.
func (s Scope) EncodeRow(r Row) string {
	var raw [96]byte
	return opaque.Encode(s.key.seal(s.appendRow(raw[:0], r)))
}

func (s Scope) appendRow(b []byte, r Row) []byte {
	b = append(b, version)
	b = append(b, s.hash[:]...)
	b = binary.AppendVarint(b, r.Second)
	b = binary.AppendUvarint(b, uint64(r.Index))
	return opaque.AppendText(b, r.LogID)
}

// DecodeRow decodes a cursor of a feed of so many groups, or of the log of one group. The error is ErrMalformed, ErrVersion or ErrScope.
func (s Scope) DecodeRow(cursor string, groups int) (Row, error) {
	raw, ok := opaque.Decode(cursor)
	if !ok || len(raw) < minRowSize {
		return Row{}, ErrMalformed
	}
	if v := raw[0]; v != version && v >= minVersion && v <= maxVersion {
		return Row{}, ErrVersion
	}
	body, ok := s.key.open(raw)
	if !ok {
		return Row{}, ErrMalformed
	}
	r, scope, ok := parseRow(body)
	switch {
	case !ok:
		return Row{}, ErrMalformed
	case scope.hash != s.hash:
		return Row{}, ErrScope
	case r.Index >= groups:
		return Row{}, ErrMalformed
	}
	return r, nil
}

// parseRow parses the bytes of appendRow. It rejects other encodings of a row, so that each row has one cursor.
func parseRow(raw []byte) (Row, Scope, bool) {
	var s Scope
	in := opaque.NewReader(raw)
	v := in.Byte()
	copy(s.hash[:], in.Bytes(scopeSize))
	r := Row{Second: in.Int()}
	index := in.Uint()
	r.Index = int(min(index, maxIndex))
	r.LogID = in.Text()
	ok := in.Done() && v == version && index < maxIndex && r.LogID != "" && r.Second >= MinSecond && r.Second <= MaxSecond
	return r, s, ok && string(s.appendRow(nil, r)) == string(raw)
}
