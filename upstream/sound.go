package upstream

import "github.com/tidwall/gjson"

// maxDepth is how deep JSON may be nested. A page is 6 deep.
const maxDepth = 1000

// sound reports whether s is JSON of a bearable depth. The depth is judged first: gjson's own judgement is several times as
// fast as the standard library's, but it recurses without a bound.
func sound(s string) bool { return shallow(s) && gjson.Valid(s) }

func shallow(s string) bool {
	depth := 0
	for i := 0; i < len(s) && depth <= maxDepth; i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			i = closing(s, i)
		}
	}
	return depth <= maxDepth
}

// closing returns where the text that begins at the quotation mark s[i] ends.
func closing(s string, i int) int {
	for i++; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i
}
