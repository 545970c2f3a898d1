package upstream

import "encoding/binary"

// unescape passes a text from its first byte on, and leaves what it says in scratch. Descriptions, which are JSON within a text, have an
// escape every few bytes: eight bytes are copied at once, and those up to the next escape count. It passes nothing, and reports false, where
// the text has rarer escapes than those of one letter, is wrong, or ends with the page.
func (p *scanner) unescape(from int) bool {
	b, n, i := p.scratch[:cap(p.scratch)], 0, from
	for i+8 <= len(p.s) {
		if n+8 > len(b) {
			b = append(b, make([]byte, 64+len(b))...)
		}
		x := eight(p.s, i)
		binary.LittleEndian.PutUint64(b[n:], x)
		copied := plainBytes(x)
		n, i = n+copied, i+copied
		switch {
		case copied == 8:
		case p.s[i] == '"':
			p.i, p.scratch = i+1, b[:n]
			return true
		case p.s[i] != '\\' || i+1 == len(p.s) || letters[p.s[i+1]] == 0:
			return false
		default:
			b[n] = letters[p.s[i+1]]
			n, i = n+1, i+2
		}
	}
	return false
}

// letters has what the letters behind a backslash stand for; 0 where it is none.
var letters = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
