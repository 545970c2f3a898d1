package resolvers

import (
	"encoding/base64"
	"testing"

	"scalegraph/upstream"
)

func objects() []object {
	var all []object
	for _, id := range logIDs {
		g := upstream.Group{Region: "default", Project: id, ID: id}
		all = append(all, object{group: g}, object{group: g, logID: id}, object{group: groupA, logID: id}, object{group: g, policyID: id}, object{group: g, policyID: id, logID: id})
	}
	return append(all, object{group: upstream.Group{Project: "p", ID: "g"}})
}

func TestGlobalIDRoundTrip(t *testing.T) {
	seen := map[string]object{}
	for _, want := range objects() {
		id := want.globalID()
		if got, ok := readGlobalID(id); !ok || got != want {
			t.Errorf("readGlobalID(%v.globalID()) = %v, %v", want, got, ok)
		}
		if other, ok := seen[id]; ok && other != want {
			t.Errorf("%v and %v have the id %s", want, other, id)
		}
		seen[id] = want
	}
}

func TestGlobalIDRefused(t *testing.T) {
	good := object{group: groupA, logID: uuidLog}.globalID()
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	bad := []string{"", "garbage", "%%%", good + "=", good + "AA", groupA.ID, "U2NhbGluZ0dyb3VwOjE"}
	for n := range raw {
		bad = append(bad, base64.RawURLEncoding.EncodeToString(raw[:n]))
	}
	for i := range 2 { // version and kind
		b := append([]byte(nil), raw...)
		b[i] = 9
		bad = append(bad, base64.RawURLEncoding.EncodeToString(b))
	}
	bad = append(bad, object{}.globalID(), object{group: upstream.Group{ID: "g"}}.globalID())
	for _, id := range bad {
		if o, ok := readGlobalID(id); ok {
			t.Errorf("readGlobalID(%q) = %v", id, o)
		}
	}
}

func FuzzGlobalID(f *testing.F) {
	for _, o := range objects() {
		f.Add(o.globalID())
	}
	f.Fuzz(func(t *testing.T, id string) {
		o, ok := readGlobalID(id)
		if ok && o.globalID() != id {
			t.Errorf("%q is %v, whose id is %q", id, o, o.globalID())
		}
		if ok && (o.group.Project == "" || o.group.ID == "") {
			t.Errorf("%q names nothing: %v", id, o)
		}
	})
}

func BenchmarkGlobalIDEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		object{group: groupA, logID: uuidLog}.globalID()
	}
}

func BenchmarkGlobalIDDecode(b *testing.B) {
	id := object{group: groupA, logID: uuidLog}.globalID()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := readGlobalID(id); !ok {
			b.Fatal("not an id")
		}
	}
}

// Ids that are made in a row are those that are made alone.
func TestNamer(t *testing.T) {
	other := upstream.Group{Region: "r", Project: "p", ID: "g"}
	var names namer
	for i, row := range []*upstream.Activity{
		{Group: groupA, LogID: uuidLog}, {Group: groupA, LogID: "x"}, {Group: other, LogID: "x"}, {Group: groupA, LogID: uuidLog}, {LogID: "y"},
	} {
		if got, want := names.idOf(row), (object{group: row.Group, logID: row.LogID}).globalID(); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
}
