package resolvers

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"scalegraph/upstream"
)

var (
	groupA  = upstream.Group{Region: "default", Project: "ce061903a53545dcaddb300093b477d2", ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719a"}
	groupB  = upstream.Group{Region: "default", Project: "ce061903a53545dcaddb300093b477d2", ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719b"}
	uuidLog = "a8924393-1024-4c24-8ac6-e4d481360884"
)

// logIDs are ids in every form that the codec knows, and in forms that only look like one.
var logIDs = []string{
	uuidLog, "ce061903a53545dcaddb300093b477d2", "7", "A8924393-1024-4C24-8AC6-E4D481360884", "a8924393-1024-4c24-8ac6-e4d48136088g",
	"a8924393_1024_4c24_8ac6_e4d481360884", "CE061903A53545DCADDB300093B477D2", "id with spaces/and ümläute\x00", "----------------",
}

func TestCursorRoundTrip(t *testing.T) {
	s := groupScope(groupA, upstream.Filter{})
	for _, id := range logIDs {
		for _, second := range []int64{firstSecond, -1, 0, 1542894380, lastSecond} {
			for _, index := range []int{0, 1, 99} {
				want := place{second, index, id}
				got, err := s.place(s.cursor(want), 100)
				if err != nil || got != want {
					t.Errorf("place(cursor(%v)) = %v, %v", want, got, err)
				}
			}
		}
	}
}

func TestCursorIsShort(t *testing.T) {
	c := groupScope(groupA, upstream.Filter{}).cursor(place{second: 1542894380, logID: uuidLog})
	if len(c) > 44 {
		t.Errorf("a cursor has %d characters: %s", len(c), c)
	}
}

func TestCursorRefused(t *testing.T) {
	s := groupScope(groupA, upstream.Filter{})
	good := s.cursor(place{second: 1542894380, logID: uuidLog})
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(b []byte) []byte) string {
		return base64.RawURLEncoding.EncodeToString(change(slices.Clone(raw)))
	}
	tests := map[string]struct {
		cursor string
		want   error
	}{
		"empty":            {"", errCursorGarbled},
		"text":             {"garbage", errCursorGarbled},
		"more text":        {"not-a-cursor-at-all", errCursorGarbled},
		"capitals":         {"BADBADBADBADBADBADBADBAD", errCursorVersion},
		"not base64":       {"%%%", errCursorGarbled},
		"padded":           {good + "=", errCursorGarbled},
		"with a newline":   {good[:10] + "\n" + good[10:], errCursorGarbled},
		"version 0":        {changed(func(b []byte) []byte { b[0] = 0; return b }), errCursorGarbled},
		"version 2":        {changed(func(b []byte) []byte { b[0] = 2; return b }), errCursorVersion},
		"version 32":       {changed(func(b []byte) []byte { b[0] = 32; return b }), errCursorGarbled},
		"a byte too many":  {changed(func(b []byte) []byte { return append(b, 0) }), errCursorGarbled},
		"other scope":      {changed(func(b []byte) []byte { b[1]++; return b }), errCursorMismatch},
		"index of another": {s.cursor(place{1542894380, 1, uuidLog}), errCursorGarbled},
		"no id":            {s.cursor(place{second: 1542894380}), errCursorGarbled},
		"year 10000":       {s.cursor(place{lastSecond + 1, 0, uuidLog}), errCursorGarbled},
		"long second": {changed(func(b []byte) []byte { // the same number, with a byte that adds nothing
			n := len(b) - 18
			return slices.Concat(b[:n-1], []byte{b[n-1] | 0x80, 0}, b[n:])
		}), errCursorGarbled},
	}
	for name, test := range tests {
		if p, err := s.place(test.cursor, 1); err != test.want {
			t.Errorf("%s: %v, %v, want %v", name, p, err, test.want)
		}
	}
	for n := range raw {
		if p, err := s.place(base64.RawURLEncoding.EncodeToString(raw[:n]), 1); err != errCursorGarbled {
			t.Errorf("cut to %d bytes: %v, %v", n, p, err)
		}
	}
	for n := range good {
		if p, err := s.place(good[:n], 1); err != errCursorGarbled {
			t.Errorf("cut to %d characters: %v, %v", n, p, err)
		}
	}
}

func TestTextThatIsCutIsRefused(t *testing.T) {
	s := groupScope(groupA, upstream.Filter{})
	for _, id := range logIDs {
		good := s.cursor(place{second: 1542894380, logID: id})
		for n := range good {
			if p, err := s.place(good[:n], 1); err != errCursorGarbled {
				t.Errorf("%q cut to %d characters: %v, %v", id, n, p, err)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	at := time.Date(2018, 11, 22, 13, 46, 20, 0, time.UTC)
	types := []upstream.Type{upstream.TypeNormal, upstream.TypeDiff}
	none := upstream.Filter{}
	different := []scope{
		groupScope(groupA, none), groupScope(groupB, none), feedScope([]upstream.Group{groupA}, none),
		feedScope([]upstream.Group{groupA, groupB}, none),
		groupScope(upstream.Group{Region: "x", Project: groupA.Project, ID: groupA.ID}, none),
		groupScope(upstream.Group{Region: "default", Project: "x", ID: groupA.ID}, none),
		groupScope(groupA, upstream.Filter{Status: upstream.StatusFail}),
		groupScope(groupA, upstream.NewFilter(upstream.Filter{Types: types})),
		groupScope(groupA, upstream.NewFilter(upstream.Filter{Types: types[:1]})),
		groupScope(groupA, upstream.NewFilter(upstream.Filter{StartTime: at})),
		groupScope(groupA, upstream.NewFilter(upstream.Filter{EndTime: at})),
		groupScope(groupA, upstream.Filter{LogID: uuidLog}),
	}
	seen := map[scope]int{}
	for i, s := range different {
		if j, ok := seen[s]; ok {
			t.Errorf("scopes %d and %d are equal", i, j)
		}
		seen[s] = i
	}
	equal := upstream.NewFilter(upstream.Filter{Types: []upstream.Type{types[1], types[0], types[1]}})
	if groupScope(groupA, equal) != groupScope(groupA, upstream.NewFilter(upstream.Filter{Types: types})) {
		t.Error("the order of types matters")
	}
	later := upstream.NewFilter(upstream.Filter{StartTime: at.Add(300 * time.Millisecond).In(time.FixedZone("", 3600))})
	if groupScope(groupA, later) != groupScope(groupA, upstream.NewFilter(upstream.Filter{StartTime: at})) {
		t.Error("an equal second in another zone matters")
	}
}

func FuzzCursor(f *testing.F) {
	s := groupScope(groupA, upstream.Filter{})
	for _, id := range logIDs {
		f.Add(s.cursor(place{second: 1542894380, logID: id}))
	}
	f.Add("garbage")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := s.place(cursor, 3)
		if err != nil {
			return
		}
		if again := s.cursor(p); again != cursor {
			t.Errorf("%q is %v, whose cursor is %q", cursor, p, again)
		}
		if p.logID == "" || p.index > 2 || p.second < firstSecond || p.second > lastSecond {
			t.Errorf("%q gives a place that cannot be: %v", cursor, p)
		}
	})
}

func BenchmarkCursorEncode(b *testing.B) {
	s, p := groupScope(groupA, upstream.Filter{}), place{second: 1542894380, logID: uuidLog}
	b.ReportAllocs()
	for b.Loop() {
		s.cursor(p)
	}
}

func BenchmarkCursorDecode(b *testing.B) {
	s := groupScope(groupA, upstream.Filter{})
	c := s.cursor(place{second: 1542894380, logID: uuidLog})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.place(c, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScope(b *testing.B) {
	f := upstream.NewFilter(upstream.Filter{Status: upstream.StatusFail, Types: upstream.Types()})
	b.ReportAllocs()
	for b.Loop() {
		groupScope(groupA, f)
	}
}

// TestCursorIsSigned changes cursors of a server with a secret. None of them is accepted, and a row keeps its cursor.
func TestCursorIsSigned(t *testing.T) {
	s := groupScope(groupA, upstream.Filter{}).keyed("secret")
	row, entry := place{second: 1542894380, logID: uuidLog}, position{1542894380, [2]string{"g", uuidLog}}
	kinds := map[string]struct {
		make func(scope) string
		read func(scope, string) error
	}{
		"row": {
			func(s scope) string { return s.cursor(row) },
			func(s scope, c string) error { _, err := s.place(c, 1); return err },
		},
		"entry of a list": {
			func(s scope) string { return s.positionCursor(entry) },
			func(s scope, c string) error { _, err := s.position(c); return err },
		},
	}
	for name, kind := range kinds {
		good := kind.make(s)
		if err := kind.read(s, good); err != nil || kind.make(s) != good {
			t.Errorf("%s: the cursor of the server itself: %v, or it changes", name, err)
		}
		for other, secret := range map[string]string{"no secret": "", "another secret": "other"} {
			if err := kind.read(s, kind.make(s.keyed(secret))); err != errCursorGarbled {
				t.Errorf("%s: a cursor of a server with %s: %v", name, other, err)
			}
		}
		raw, _ := transparent(good)
		for i := range raw {
			changed := slices.Clone(raw)
			changed[i] ^= 0x40
			if err := kind.read(s, opaque(changed)); err != errCursorGarbled {
				t.Errorf("%s: byte %d was changed: %v", name, i, err)
			}
		}
		for n := range raw {
			if err := kind.read(s, opaque(raw[:n])); err != errCursorGarbled {
				t.Errorf("%s: cut to %d bytes: %v", name, n, err)
			}
		}
	}
}
