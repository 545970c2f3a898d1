package gqlhttp

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// same fails where plain reads a text otherwise than encoding/json, which alone judges what plain leaves.
func same(t interface {
	Helper()
	Errorf(string, ...any)
}, text []byte) (plain bool) {
	t.Helper()
	got, want := &parameters{}, &parameters{}
	if !got.plain(text) {
		return false
	}
	if refused := decode(text, want, "body"); refused != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q: %#v, want %#v, %v", text, got, want, refused)
	}
	return true
}

// ordinary are bodies as clients send them.
func ordinary() []string {
	return []string{
		`{"query":"{ a }"}`,
		` {"operationName":null,"variables":{},"query":"query Q($g: ID!) {\n  a(b: \"c\")\n}"} `,
		`{"query":"{a}","operationName":"Q","variables":{"g":"ä","n":-2.50e+3,"l":[1,[],null,true],"o":{"p":{"":false}}},"extensions":null}`,
		`{"documentId":"sha256:00","doc_id":"","extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`,
	}
}

func TestOrdinaryBodiesAreReadPlainly(t *testing.T) {
	for _, text := range ordinary() {
		if !same(t, []byte(text)) {
			t.Errorf("not read plainly: %s", text)
		}
	}
	for _, text := range []string{
		`{"Query":"{a}"}`, `{"query":"{a}","query":"{b}"}`, `{"variables":{"a":1},"variables":{"b":2}}`, `{"variables":{"a":1},"variables":null}`,
		`{"query":1}`, `{"variables":[]}`, `{"more":1}`, `[]`, `null`, `""`, ``, `{} {}`, `{"query":"\ud800"}`, "{\"query\":\"\xff\"}",
		`{"query":"` + strings.Repeat("a", mostPlain) + `"}`,
	} {
		if same(t, []byte(text)) {
			t.Errorf("read plainly: %s", text)
		}
	}
}

// TestPlainOrJSON has members of every kind, in every order and number, some of them broken.
func TestPlainOrJSON(t *testing.T) {
	plain, value := 0, values()
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		name := rapid.SampledFrom([]string{"query", "operationName", "variables", "extensions", "documentId", "doc_id", "Query", "more"})
		for _, member := range rapid.SliceOfN(name, 0, 4).Draw(t, "names") {
			text, err := json.Marshal(value.Draw(t, member))
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(`,"` + member + `": ` + string(text))
		}
		text := []byte("{" + strings.TrimPrefix(b.String(), ",") + "}")
		if at := rapid.IntRange(0, 4*len(text)).Draw(t, "broken"); at < len(text) {
			text[at] = rapid.SampledFrom([]byte("{}[]\",:\\\x00\xff 0e.-tu")).Draw(t, "by")
		}
		if same(t, text) {
			plain++
		}
	})
	if plain == 0 {
		t.Error("none was read plainly")
	}
}

func values() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.SampledFrom([]any{nil, true, false, "", "a", "\"\\/\b\f\n\r\t", "ä\u2028<", json.Number("-0.5E-7"), json.Number("1e999"), json.Number("0")}),
		rapid.Map(rapid.String(), func(s string) any { return s }),
	)
	list := rapid.Map(rapid.SliceOfN(leaf, 0, 3), func(l []any) any { return l })
	inner := rapid.OneOf(leaf, list)
	object := rapid.Map(rapid.MapOfN(rapid.StringN(0, 3, -1), inner, 0, 3), func(m map[string]any) any { return m })
	return rapid.OneOf(inner, object, rapid.Map(rapid.SliceOfN(object, 0, 2), func(l []any) any { return map[string]any{"l": l} }))
}

func FuzzPlain(f *testing.F) {
	for _, text := range ordinary() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { same(t, text) })
}
