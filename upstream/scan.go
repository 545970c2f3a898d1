package upstream

import (
	"strings"

	"github.com/tidwall/gjson"
)

// A scanner goes over JSON once, and judges it on its way: what it has passed is well formed and not too deep. After the first
// fault nothing but bad counts. It is for pages, whose size makes every further look at the same bytes felt.
type scanner struct {
	s     string
	i     int // of the next byte
	depth int
	bad   bool
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
	from := p.i
	if p.text(); p.bad {
		return ""
	}
	name := p.s[from+1 : p.i-1]
	if strings.IndexByte(name, '\\') >= 0 {
		return gjson.Parse(p.s[from:p.i]).Str
	}
	return name
}

// text passes a text in quotation marks.
func (p *scanner) text() {
	for i := p.i + 1; i < len(p.s); i++ {
		c := p.s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		p.i = i
		switch c {
		case '"':
			p.i++
			return
		case '\\':
			p.escape()
		default:
			p.bad = true
		}
		if p.bad {
			return
		}
		i = p.i
	}
	p.bad = true
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

// result makes of a value's text what the readers of members take.
func result(raw string) gjson.Result {
	if raw == "" || raw[0] != '"' {
		return gjson.Parse(raw)
	}
	text := raw[1 : len(raw)-1]
	if at := strings.IndexByte(text, '\\'); at >= 0 {
		if strings.Contains(text[at:], `\u`) {
			return gjson.Parse(raw)
		}
		text = unescaped(text, at)
	}
	return gjson.Result{Type: gjson.String, Raw: raw, Str: text}
}

// unescaped undoes the escapes of one letter each, the first of which is at a place. Descriptions, which are JSON within a text, are
// full of them; so what lies between is copied in one go.
func unescaped(text string, at int) string {
	b := make([]byte, 0, len(text))
	for at >= 0 {
		b = append(b, text[:at]...)
		b = append(b, letter(text[at+1]))
		text = text[at+2:]
		at = strings.IndexByte(text, '\\')
	}
	return string(append(b, text...))
}

// letter is what the letter behind a backslash stands for.
func letter(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
