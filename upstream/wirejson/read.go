package wirejson

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// ReadID reads a string, or a number as its text. It returns an empty string for any other value.
func (p *Scanner) ReadID() string {
	if p.Peek() == '"' {
		return p.readString()
	}
	if v := p.ReadResult(); v.Type == gjson.Number {
		return v.String()
	}
	return ""
}

// ReadText reads a string, or any other value as its JSON. null is an empty string.
func (p *Scanner) ReadText() string {
	if p.Peek() == '"' {
		return p.readString()
	}
	return p.ReadResult().String()
}

// ReadOptionalText is ReadText with the result in *into. It returns into, or nil for null.
func (p *Scanner) ReadOptionalText(into *string) *string {
	if p.Peek() == 'n' {
		p.SkipValue()
		return nil
	}
	*into = p.ReadText()
	return into
}

// ReadTime reads a time, see ParseTime. It returns the zero time for any other value.
func (p *Scanner) ReadTime() time.Time {
	if p.Peek() == '"' {
		return ParseTime(p.readString())
	}
	p.SkipValue()
	return time.Time{}
}

// ReadInt32 reads a number, see Int32, with the result in *into. It returns into, or nil if the value is not a 32-bit integer.
func (p *Scanner) ReadInt32(into *int32) *int32 {
	if n, ok := p.readSmallInt(); ok {
		*into = n
		return into
	}
	n := Int32(p.ReadResult())
	if n != nil {
		*into, n = *n, into
	}
	return n
}

// readSmallInt reads a number of at most nine digits that is followed by a comma or a brace, as nearly all numbers are. It reads nothing
// and returns false if the value has another form.
func (p *Scanner) readSmallInt() (n int32, ok bool) {
	p.Peek()
	from := p.i
	i := from
	for ; i < len(p.s) && i < from+9 && p.s[i] >= '0' && p.s[i] <= '9'; i++ {
		n = 10*n + int32(p.s[i]-'0')
	}
	if i == from || i == len(p.s) || p.s[i] != ',' && p.s[i] != '}' || p.s[from] == '0' && i > from+1 {
		return 0, false
	}
	p.i = i
	return n, true
}

// ReadList reads a list: an array, a single entry, or a string of names separated by commas, as V1 sends. It calls add for each entry,
// which add must read, and named for each name. Entries other than objects, strings and numbers are skipped.
func (p *Scanner) ReadList(add func(), named func(name string)) {
	switch p.Peek() {
	case '[':
		p.Array(func() { p.readItem(add) })
	case '"':
		for name := range strings.SplitSeq(p.readString(), ",") {
			if name = strings.TrimSpace(name); name != "" {
				named(name)
			}
		}
	default:
		p.readItem(add)
	}
}

func (p *Scanner) readItem(add func()) {
	switch p.Peek() {
	case '[', 't', 'f', 'n':
		p.SkipValue()
	default:
		add()
	}
}

// SkipList reads a list, see ReadList, and returns the number of its entries.
func (p *Scanner) SkipList() (n int32) {
	p.ReadList(func() { p.SkipValue(); n++ }, func(string) { n++ })
	return n
}
