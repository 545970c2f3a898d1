package globalid

import (
	"encoding/base64"
	"testing"

	"scalegraph/upstream"
)

var (
	groupA  = upstream.Group{Region: "default", Project: "ce061903a53545dcaddb300093b477d2", ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719a"}
	uuidLog = "a8924393-1024-4c24-8ac6-e4d481360884"
)

// logIDs are ids in every form that package opaque knows, and similar ones.
var logIDs = []string{
	uuidLog, "ce061903a53545dcaddb300093b477d2", "7", "A8924393-1024-4C24-8AC6-E4D481360884", "a8924393-1024-4c24-8ac6-e4d48136088g",
	"a8924393_1024_4c24_8ac6_e4d481360884", "CE061903A53545DCADDB300093B477D2", "id with spaces/and ümläute\x00", "----------------",
}

func objects() []Object {
	var all []Object
	for _, id := range logIDs {
		g := upstream.Group{Region: "default", Project: id, ID: id}
		all = append(all, Object{Group: g}, Object{Group: g, LogID: id}, Object{Group: groupA, LogID: id}, Object{Group: g, PolicyID: id}, Object{Group: g, PolicyID: id, LogID: id})
	}
	return append(all, Object{Group: upstream.Group{Project: "p", ID: "g"}})
}

func TestGlobalIDRoundTrip(t *testing.T) {
	seen := map[string]Object{}
	for _, want := range objects() {
		id := want.ID()
		if got, ok := Parse(id); !ok || got != want {
			t.Errorf("Parse(%v.ID()) = %v, %v", want, got, ok)
		}
		if other, ok := seen[id]; ok && other != want {
			t.Errorf("%v and %v have the id %s", want, other, id)
		}
		seen[id] = want
	}
}

func TestGlobalIDRejected(t *testing.T) {
	good := Object{Group: groupA, LogID: uuidLog}.ID()
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
	bad = append(bad, Object{}.ID(), Object{Group: upstream.Group{ID: "g"}}.ID())
	for _, id := range bad {
		if o, ok := Parse(id); ok {
			t.Errorf("Parse(%q) = %v", id, o)
		}
	}
}

func FuzzGlobalID(f *testing.F) {
	for _, o := range objects() {
		f.Add(o.ID())
	}
	f.Fuzz(func(t *testing.T, id string) {
		o, ok := Parse(id)
		if ok && o.ID() != id {
			t.Errorf("%q is %v, whose id is %q", id, o, o.ID())
		}
		if ok && (o.Group.Project == "" || o.Group.ID == "") {
			t.Errorf("%q names nothing: %v", id, o)
		}
	})
}

func BenchmarkGlobalIDEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Object{Group: groupA, LogID: uuidLog}.ID()
	}
}

func BenchmarkGlobalIDDecode(b *testing.B) {
	id := Object{Group: groupA, LogID: uuidLog}.ID()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Parse(id); !ok {
			b.Fatal("not an id")
		}
	}
}

// Ids that are made in a row are those that are made alone.
func TestActivities(t *testing.T) {
	other := upstream.Group{Region: "r", Project: "p", ID: "g"}
	var ids Activities
	for i, row := range []*upstream.Activity{
		{Group: groupA, LogID: uuidLog}, {Group: groupA, LogID: "x"}, {Group: other, LogID: "x"}, {Group: groupA, LogID: uuidLog}, {LogID: "y"},
	} {
		if got, want := ids.ID(row), (Object{Group: row.Group, LogID: row.LogID}).ID(); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
}
