package wirejson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const page = `{"limit":20,"scaling_activity_log":[],"total_number":0,"start_number":0}`

func TestValidLimitsDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, tc := range map[string]struct {
		s    string
		want bool
	}{
		"at the limit":         {nested(MaxDepth), true},
		"above the limit":      {nested(MaxDepth + 1), false},
		"brackets in a string": {`"` + strings.Repeat(`\"[{`, 2*MaxDepth) + `"`, true},
		"siblings":             {"[" + strings.Repeat("[],", 2*MaxDepth) + "[]]", true},
		"never closed":         {strings.Repeat("[", 32<<20), false},
		"string never closed":  {`["\`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Valid(tc.s); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzValid(f *testing.F) {
	for _, seed := range []string{
		page, page + "x", `{"a":[1,-0.5e+3,true,false,null,"\u00e9\"\\"]}`, `"\x"`, "\"\x01\"", "\"\xff\"", `01`, `1.`, `[1,]`, ` `, "\ufeff{}", `nul`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := Valid(s), json.Valid([]byte(s)); got != want && strings.Count(s, "[")+strings.Count(s, "{") <= MaxDepth {
			t.Errorf("%q: got %v, json.Valid returns %v", s, got, want)
		}
	})
}

// Every byte is put at every position of strings that could cause false positives in the test of eight bytes at once.
func TestIndexSpecial(t *testing.T) {
	for _, around := range []string{"a", " ", "!", "#", "[", "]", "\x7f", "\x80", "\xa2", "\xff"} {
		for at := range 20 {
			for c := range 256 {
				s := strings.Repeat(around, at) + string([]byte{byte(c)}) + strings.Repeat(around, 12)
				want := len(s)
				if c < ' ' || c == '"' || c == '\\' {
					want = at
				}
				if got := indexSpecial(s, at/2); got != want {
					t.Fatalf("%q from %d: got %d, want %d", s, at/2, got, want)
				}
			}
		}
	}
}

func FuzzReadResultOfString(f *testing.F) {
	for _, seed := range []string{`""`, `"plain"`, `"a\"b\\c\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00 \n"`, `"\\u0041"`, `"\\\\"`, `"{\"reason\":[]}"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want string
		if !utf8.ValidString(raw) || !Valid(raw) || json.Unmarshal([]byte(raw), &want) != nil || strings.TrimSpace(raw) != raw || raw == "null" {
			return
		}
		if strings.Contains(raw, `\u`) {
			return // decoded by gjson
		}
		for _, suffix := range []string{"", "        ", strings.Repeat(`","`, 5)} { // eight bytes are tested at once if there are as many
			p := NewScanner(raw + suffix)
			if got := p.ReadResult(); got.Str != want || got.Type != gjson.String || p.i != len(raw) || p.failed {
				t.Errorf("%s: %q, want %q", raw, got.Str, want)
			}
		}
	})
}
