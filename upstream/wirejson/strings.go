package wirejson

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/tidwall/gjson"
)

// readString reads a string, which must be next, and returns its value.
func (p *Scanner) readString() string {
	from := p.i + 1
	end := indexSpecial(p.s, from)
	switch {
	case end < len(p.s) && p.s[end] == '"':
		p.i = end + 1
		return p.s[from:end]
	case p.unescape(from):
		p.unescaped += len(*p.scratch)
		return string(*p.scratch)
	}
	if p.skipString(); p.failed {
		return ""
	}
	return gjson.Parse(p.s[from-1 : p.i]).Str
}

// skipString reads a string with its quotation marks.
func (p *Scanner) skipString() {
	for p.i++; !p.failed; p.i++ {
		p.i = indexSpecial(p.s, p.i)
		switch {
		case p.i >= len(p.s):
			p.failed = true
		case p.s[p.i] == '"':
			p.i++
			return
		case p.s[p.i] != '\\':
			p.failed = true
		case p.i+1 < len(p.s) && simpleEscapes[p.s[p.i+1]] != 0:
			p.i++
		default:
			p.skipEscape()
		}
	}
}

// skipEscape reads an escape sequence except its last byte.
func (p *Scanner) skipEscape() {
	p.i++
	switch {
	case p.i >= len(p.s):
		p.failed = true
	case p.s[p.i] == 'u':
		for range 4 {
			p.i++
			p.failed = p.failed || p.i >= len(p.s) || !isHex(p.s[p.i])
		}
	case strings.IndexByte(`"\/bfnrt`, p.s[p.i]) < 0:
		p.failed = true
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unescape decodes a string from its first byte on into scratch. It reads nothing and returns false if the string has \u escapes, is
// invalid, or ends within the last eight bytes of the input. Descriptions, which are JSON in a string, have an escape every few bytes:
// eight bytes are copied at once, and those up to the next escape count.
func (p *Scanner) unescape(from int) bool {
	b, n, i := (*p.scratch)[:cap(*p.scratch)], 0, from
	for i+8 <= len(p.s) {
		if n+8 > len(b) {
			b = append(b, make([]byte, 64+len(b))...)
		}
		x := load64(p.s, i)
		binary.LittleEndian.PutUint64(b[n:], x)
		copied := plainPrefix(x)
		n, i = n+copied, i+copied
		switch {
		case copied == 8:
		case p.s[i] == '"':
			p.i, *p.scratch = i+1, b[:n]
			return true
		case p.s[i] != '\\' || i+1 == len(p.s) || simpleEscapes[p.s[i+1]] == 0:
			return false
		default:
			b[n] = simpleEscapes[p.s[i+1]]
			n, i = n+1, i+2
		}
	}
	return false
}

// simpleEscapes maps the letter of an escape sequence to its value; 0 if the letter is invalid or u.
var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// indexSpecial returns the index, from i on, of the first quotation mark, backslash or control character; len(s) if there is none. It
// tests eight bytes at a time, because most of a page is plain text.
func indexSpecial(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if n := plainPrefix(load64(s, i)); n < 8 {
			return i + n
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// load64 returns eight bytes of s as a little-endian number.
func load64(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// plainPrefix returns how many of the eight bytes of x come before the first special one.
func plainPrefix(x uint64) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	// In each of the three terms the lowest byte whose high bit is set is special. Higher bytes may be false positives.
	found := (x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)
	return bits.TrailingZeros64(found&^x&high) / 8
}
