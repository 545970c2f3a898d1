// Package opaque encodes the texts that clients hand back unread: cursors and global ids. They are base64url over a compact binary form, in which
// UUIDs and 32 hex digits take 16 bytes.
package opaque

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"scalegraph/internal/binenc"
	"scalegraph/upstream"
)

// Encode returns raw as base64url without padding.
func Encode(raw []byte) string {
	var text [192]byte
	return string(base64.RawURLEncoding.AppendEncode(text[:0], raw))
}

// Decode is the inverse of Encode. It accepts nothing that Encode does not return: package base64 by itself would skip line breaks.
func Decode(text string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && !strings.ContainsAny(text, "\r\n")
}

// The forms of a text.
const (
	plainText = iota // length, then the bytes
	uuidText         // lower case, with dashes; 16 bytes
	hexText          // 32 digits, lower case; 16 bytes
)

// AppendText appends s to b in the shortest form from which Reader.Text restores it.
func AppendText(b []byte, s string) []byte {
	var digits [32]byte
	form := classify(s, &digits)
	b = append(b, byte(form))
	if form == plainText {
		b = binary.AppendUvarint(b, uint64(len(s)))
		return append(b, s...)
	}
	b, _ = hex.AppendDecode(b, digits[:]) // classify accepts hex digits only
	return b
}

// AppendGroup appends the region, the project and the id of a group.
func AppendGroup(b []byte, g upstream.Group) []byte {
	b = AppendText(b, g.Region)
	b = AppendText(b, g.Project)
	return AppendText(b, g.ID)
}

// classify returns the form of s, and copies its hex digits unless that is plainText.
func classify(s string, digits *[32]byte) int {
	form := hexText
	switch {
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		form = uuidText
	case len(s) != 32:
		return plainText
	}
	n := 0
	for i := range len(s) {
		if form == uuidText && (i == 8 || i == 13 || i == 18 || i == 23) {
			continue
		}
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return plainText
		}
		digits[n] = s[i]
		n++
	}
	return form
}

// Reader is a binenc.Reader with a Text that reads the forms of AppendText.
type Reader struct{ binenc.Reader }

// NewReader returns a Reader of raw.
func NewReader(raw []byte) *Reader { return &Reader{binenc.NewReader(string(raw))} }

// Text reads a text as written by AppendText.
func (r *Reader) Text() string {
	switch r.Byte() {
	case plainText:
		return r.Reader.Text()
	case hexText:
		return hex.EncodeToString([]byte(r.Bytes(16)))
	case uuidText:
		d := hex.EncodeToString([]byte(r.Bytes(16)))
		if len(d) != 32 {
			return ""
		}
		return d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:]
	}
	r.Fail()
	return ""
}
