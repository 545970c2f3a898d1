package upstream

import (
	"math/bits"
	"strings"

	"github.com/tidwall/gjson"
)

// A scanner goes over JSON once, and judges it on its way: what it has passed is well formed and not too deep. After the first
// fault nothing but bad counts. It is for pages, whose size makes every further look at the same bytes felt.
type scanner struct {
	s       string
	i       int // of the next byte
	depth   int
	bad     bool
	scratch []byte // for texts with escapes
	copied  int    // bytes of the texts that were made from those
}

// peek passes white space and returns the byte behind it; 0 at the end.
func (p *scanner) peek() byte {
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return p.s[p.i]
		}
	}
	return 0
}

// take passes white space and one byte, which must be c.
func (p *scanner) take(c byte) {
	if p.bad = p.bad || p.peek() != c; !p.bad {
		p.i++
	}
}

// value passes a value and returns its text.
func (p *scanner) value() string {
	c := p.peek()
	from := p.i
	switch c {
	case '{':
		p.entries('{', '}', func() {
			if p.bad = p.peek() != '"'; !p.bad {
				p.text()
				p.take(':')
				p.value()
			}
		})
	case '[':
		p.array(func() { p.value() })
	case '"':
		p.text()
	case 't':
		p.word("true")
	case 'f':
		p.word("false")
	case 'n':
		p.word("null")
	default:
		p.number()
	}
	if p.bad {
		return ""
	}
	return p.s[from:p.i]
}

// object passes an object and calls member with the name of each member; that must pass the value.
func (p *scanner) object(member func(name string)) {
	p.entries('{', '}', func() {
		name := p.name()
		p.take(':')
		if !p.bad {
			member(name)
		}
	})
}

// array passes an array and calls entry for each entry, which that must pass.
func (p *scanner) array(entry func()) { p.entries('[', ']', entry) }

func (p *scanner) entries(begin, end byte, entry func()) {
	p.take(begin)
	if p.depth++; p.depth > maxDepth {
		p.bad = true
	}
	if !p.bad && p.peek() == end {
		p.i++
		p.depth--
		return
	}
	for !p.bad {
		entry()
		if p.bad {
			return
		}
		if p.peek() == end {
			p.i++
			p.depth--
			return
		}
		p.take(',')
	}
}

// name passes a member's name and returns what it says.
func (p *scanner) name() string {
	if p.peek() != '"' {
		p.bad = true
		return ""
	}
	return p.string()
}

// string passes a text, which must be next, and returns what it says.
func (p *scanner) string() string {
	from := p.i + 1
	end := plain(p.s, from)
	switch {
	case end < len(p.s) && p.s[end] == '"':
		p.i = end + 1
		return p.s[from:end]
	case p.unescape(from):
		p.copied += len(p.scratch)
		return string(p.scratch)
	}
	if p.text(); p.bad {
		return ""
	}
	return gjson.Parse(p.s[from-1 : p.i]).Str
}

// text passes a text in quotation marks.
func (p *scanner) text() {
	for p.i++; !p.bad; p.i++ {
		p.i = plain(p.s, p.i)
		switch {
		case p.i >= len(p.s):
			p.bad = true
		case p.s[p.i] == '"':
			p.i++
			return
		case p.s[p.i] != '\\':
			p.bad = true
		case p.i+1 < len(p.s) && letters[p.s[p.i+1]] != 0:
			p.i++
		default:
			p.escape()
		}
	}
}

// plain returns the index, from i on, of the first byte that is not plain text: a quotation mark, a backslash or a control
// character; len(s) where there is none. It looks at eight bytes at a time: most of a page is text.
func plain(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if n := plainBytes(eight(s, i)); n < 8 {
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

// eight returns eight bytes of s as a number, the first of them the lowest.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// plainBytes returns how many of eight bytes are plain text, up to the first that is not.
func plainBytes(x uint64) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	// Of each of the three, the lowest byte whose high bit is set is one that was looked for; higher ones may be mistakes.
	found := (x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)
	return bits.TrailingZeros64(found&^x&high) / 8
}

// escape passes all but the last byte of an escape.
func (p *scanner) escape() {
	p.i++
	switch {
	case p.i >= len(p.s):
		p.bad = true
	case p.s[p.i] == 'u':
		for range 4 {
			p.i++
			p.bad = p.bad || p.i >= len(p.s) || !isHex(p.s[p.i])
		}
	case strings.IndexByte(`"\/bfnrt`, p.s[p.i]) < 0:
		p.bad = true
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// word passes one of the three words of JSON.
func (p *scanner) word(w string) {
	if !strings.HasPrefix(p.s[p.i:], w) {
		p.bad = true
		return
	}
	p.i += len(w)
}

// number passes a number.
func (p *scanner) number() {
	p.optional("-")
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
	} else {
		p.digits()
	}
	if p.optional(".") {
		p.digits()
	}
	if p.optional("eE") {
		p.optional("+-")
		p.digits()
	}
}

// optional passes one of some bytes where it is there.
func (p *scanner) optional(bytes string) bool {
	if p.i >= len(p.s) || strings.IndexByte(bytes, p.s[p.i]) < 0 {
		return false
	}
	p.i++
	return true
}

// digits passes one digit or more.
func (p *scanner) digits() {
	from := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	p.bad = p.bad || p.i == from
}

// done reports whether all was well formed and nothing is left.
func (p *scanner) done() bool { return p.peek() == 0 && p.i >= len(p.s) && !p.bad }

// result passes a value and returns it as the readers of rare forms take it.
func (p *scanner) result() gjson.Result {
	if p.peek() != '"' {
		return gjson.Parse(p.value())
	}
	from := p.i
	text := p.string()
	return gjson.Result{Type: gjson.String, Raw: p.s[from:p.i], Str: text}
}
