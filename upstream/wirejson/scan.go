// Package wirejson reads JSON of the upstream. A Scanner reads large responses in one pass and validates them on the way; a Record reads
// the members of a small object. Both are lenient: a member of an undocumented form is converted or dropped and never costs its object.
package wirejson

import (
	"strings"

	"github.com/tidwall/gjson"
)

// MaxDepth is the maximum nesting of JSON that is accepted. A page is 6 deep.
const MaxDepth = 1000

// Valid reports whether s is JSON that is nested at most MaxDepth deep.
func Valid(s string) bool {
	p := NewScanner(s)
	p.SkipValue()
	return p.AtEOF()
}

// A Scanner reads JSON once from start to end and validates what it has read, including the depth. After the first error all methods return
// zero values and AtEOF returns false. A Scanner must not be used concurrently. The strings that it returns share the memory of its input
// if they have no escapes.
type Scanner struct {
	s         string
	i         int // index of the next byte
	depth     int
	failed    bool
	scratch   *[]byte // buffer for strings with escapes
	unescaped int     // bytes of the strings that do not share the memory of s
}

// NewScanner returns a scanner at the start of s, which must be valid UTF-8.
func NewScanner(s string) *Scanner { return &Scanner{s: s, scratch: new([]byte)} }

// Sub returns a scanner at the start of another text that uses the buffers of p. The two must not be used concurrently.
func (p *Scanner) Sub(s string) *Scanner { return &Scanner{s: s, scratch: p.scratch} }

// UnescapedBytes returns the total length of the strings that were copied because they had escapes.
func (p *Scanner) UnescapedBytes() int { return p.unescaped }

// Peek skips white space and returns the next byte without reading it; 0 at the end.
func (p *Scanner) Peek() byte {
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return p.s[p.i]
		}
	}
	return 0
}

// expect skips white space and reads one byte, which must be c.
func (p *Scanner) expect(c byte) {
	if p.failed = p.failed || p.Peek() != c; !p.failed {
		p.i++
	}
}

// SkipValue reads a value and returns its JSON; empty after an error.
func (p *Scanner) SkipValue() string {
	c := p.Peek()
	from := p.i
	switch c {
	case '{':
		p.entries('{', '}', func() {
			if p.failed = p.Peek() != '"'; !p.failed {
				p.skipString()
				p.expect(':')
				p.SkipValue()
			}
		})
	case '[':
		p.Array(func() { p.SkipValue() })
	case '"':
		p.skipString()
	case 't':
		p.expectLiteral("true")
	case 'f':
		p.expectLiteral("false")
	case 'n':
		p.expectLiteral("null")
	default:
		p.skipNumber()
	}
	if p.failed {
		return ""
	}
	return p.s[from:p.i]
}

// Object reads an object and calls member with the key of each member. member must read the value.
func (p *Scanner) Object(member func(key string)) {
	p.entries('{', '}', func() {
		key := p.readKey()
		p.expect(':')
		if !p.failed {
			member(key)
		}
	})
}

// Array reads an array and calls entry for each entry. entry must read it.
func (p *Scanner) Array(entry func()) { p.entries('[', ']', entry) }

func (p *Scanner) entries(begin, end byte, entry func()) {
	p.expect(begin)
	if p.depth++; p.depth > MaxDepth {
		p.failed = true
	}
	if !p.failed && p.Peek() == end {
		p.i++
		p.depth--
		return
	}
	for !p.failed {
		entry()
		if p.failed {
			return
		}
		if p.Peek() == end {
			p.i++
			p.depth--
			return
		}
		p.expect(',')
	}
}

func (p *Scanner) readKey() string {
	if p.Peek() != '"' {
		p.failed = true
		return ""
	}
	return p.readString()
}

// expectLiteral reads true, false or null.
func (p *Scanner) expectLiteral(literal string) {
	if !strings.HasPrefix(p.s[p.i:], literal) {
		p.failed = true
		return
	}
	p.i += len(literal)
}

func (p *Scanner) skipNumber() {
	p.skipOptional("-")
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
	} else {
		p.skipDigits()
	}
	if p.skipOptional(".") {
		p.skipDigits()
	}
	if p.skipOptional("eE") {
		p.skipOptional("+-")
		p.skipDigits()
	}
}

// skipOptional reads one byte if it is among bytes, and reports whether it did.
func (p *Scanner) skipOptional(bytes string) bool {
	if p.i >= len(p.s) || strings.IndexByte(bytes, p.s[p.i]) < 0 {
		return false
	}
	p.i++
	return true
}

// skipDigits reads one or more digits.
func (p *Scanner) skipDigits() {
	from := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	p.failed = p.failed || p.i == from
}

// AtEOF reports whether the whole input was read without an error.
func (p *Scanner) AtEOF() bool { return p.Peek() == 0 && p.i >= len(p.s) && !p.failed }

// ReadResult reads a value of any type.
func (p *Scanner) ReadResult() gjson.Result {
	if p.Peek() != '"' {
		return gjson.Parse(p.SkipValue())
	}
	from := p.i
	text := p.readString()
	return gjson.Result{Type: gjson.String, Raw: p.s[from:p.i], Str: text}
}
