package upstream

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSoundBoundsTheDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, tc := range map[string]struct {
		s    string
		want bool
	}{
		"as deep as may be":  {nested(maxDepth), true},
		"one deeper":         {nested(maxDepth + 1), false},
		"brackets in a text": {`"` + strings.Repeat(`\"[{`, 2*maxDepth) + `"`, true},
		"one beside another": {"[" + strings.Repeat("[],", 2*maxDepth) + "[]]", true},
		"never closed":       {strings.Repeat("[", 32<<20), false},
		"text never closed":  {`["\`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sound(tc.s); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzSoundAgreesWithTheStandardLibrary(f *testing.F) {
	for _, seed := range []string{
		emptyPage, emptyPage + "x", `{"a":[1,-0.5e+3,true,false,null,"\u00e9\"\\"]}`, `"\x"`, "\"\x01\"", "\"\xff\"", `01`, `1.`, `[1,]`, ` `, "\ufeff{}", `nul`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := sound(s), json.Valid([]byte(s)); got != want && strings.Count(s, "[")+strings.Count(s, "{") <= maxDepth {
			t.Errorf("%q: got %v, the standard library says %v", s, got, want)
		}
	})
}

// TestPlainFindsWhatEndsAText puts every byte at every place of texts that may mislead who looks at eight bytes at once.
func TestPlainFindsWhatEndsAText(t *testing.T) {
	for _, around := range []string{"a", " ", "!", "#", "[", "]", "\x7f", "\x80", "\xa2", "\xff"} {
		for at := range 20 {
			for c := range 256 {
				s := strings.Repeat(around, at) + string([]byte{byte(c)}) + strings.Repeat(around, 12)
				want := len(s)
				if c < ' ' || c == '"' || c == '\\' {
					want = at
				}
				if got := plain(s, at/2); got != want {
					t.Fatalf("%q from %d: got %d, want %d", s, at/2, got, want)
				}
			}
		}
	}
}
