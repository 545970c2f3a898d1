package cursor

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"scalegraph/resolvers/opaque"
	"scalegraph/upstream"
)

var (
	groupA  = upstream.Group{Region: "default", Project: "ce061903a53545dcaddb300093b477d2", ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719a"}
	groupB  = upstream.Group{Region: "default", Project: "ce061903a53545dcaddb300093b477d2", ID: "e5d27f5c-dd76-4a61-b4bc-a67c5686719b"}
	uuidLog = "a8924393-1024-4c24-8ac6-e4d481360884"
)

// logIDs are ids in every form that the codec knows, and similar ones.
var logIDs = []string{
	uuidLog, "ce061903a53545dcaddb300093b477d2", "7", "A8924393-1024-4C24-8AC6-E4D481360884", "a8924393-1024-4c24-8ac6-e4d48136088g",
	"a8924393_1024_4c24_8ac6_e4d481360884", "CE061903A53545DCADDB300093B477D2", "id with spaces/and ümläute\x00", "----------------",
}

func TestCursorRoundTrip(t *testing.T) {
	s := ForGroup(groupA, upstream.Filter{})
	for _, id := range logIDs {
		for _, second := range []int64{MinSecond, -1, 0, 1542894380, MaxSecond} {
			for _, index := range []int{0, 1, 99} {
				want := Row{second, index, id}
				got, err := s.DecodeRow(s.EncodeRow(want), 100)
				if err != nil || got != want {
					t.Errorf("DecodeRow(EncodeRow(%v)) = %v, %v", want, got, err)
				}
			}
		}
	}
}

func TestCursorIsShort(t *testing.T) {
	c := ForGroup(groupA, upstream.Filter{}).EncodeRow(Row{Second: 1542894380, LogID: uuidLog})
	if len(c) > 44 {
		t.Errorf("a cursor has %d characters: %s", len(c), c)
	}
}

func TestCursorRejected(t *testing.T) {
	s := ForGroup(groupA, upstream.Filter{})
	good := s.EncodeRow(Row{Second: 1542894380, LogID: uuidLog})
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
		"empty":            {"", ErrMalformed},
		"text":             {"garbage", ErrMalformed},
		"more text":        {"not-a-cursor-at-all", ErrMalformed},
		"capitals":         {"BADBADBADBADBADBADBADBAD", ErrVersion},
		"not base64":       {"%%%", ErrMalformed},
		"padded":           {good + "=", ErrMalformed},
		"with a newline":   {good[:10] + "\n" + good[10:], ErrMalformed},
		"version 0":        {changed(func(b []byte) []byte { b[0] = 0; return b }), ErrMalformed},
		"version 2":        {changed(func(b []byte) []byte { b[0] = 2; return b }), ErrVersion},
		"version 32":       {changed(func(b []byte) []byte { b[0] = 32; return b }), ErrMalformed},
		"a byte too many":  {changed(func(b []byte) []byte { return append(b, 0) }), ErrMalformed},
		"other scope":      {changed(func(b []byte) []byte { b[1]++; return b }), ErrScope},
		"index of another": {s.EncodeRow(Row{1542894380, 1, uuidLog}), ErrMalformed},
		"no id":            {s.EncodeRow(Row{Second: 1542894380}), ErrMalformed},
		"year 10000":       {s.EncodeRow(Row{MaxSecond + 1, 0, uuidLog}), ErrMalformed},
		"long second": {changed(func(b []byte) []byte { // the same number, with a byte that adds nothing
			n := len(b) - 18
			return slices.Concat(b[:n-1], []byte{b[n-1] | 0x80, 0}, b[n:])
		}), ErrMalformed},
	}
	for name, test := range tests {
		if p, err := s.DecodeRow(test.cursor, 1); err != test.want {
			t.Errorf("%s: %v, %v, want %v", name, p, err, test.want)
		}
	}
	for n := range raw {
		if p, err := s.DecodeRow(base64.RawURLEncoding.EncodeToString(raw[:n]), 1); err != ErrMalformed {
			t.Errorf("cut to %d bytes: %v, %v", n, p, err)
		}
	}
	for n := range good {
		if p, err := s.DecodeRow(good[:n], 1); err != ErrMalformed {
			t.Errorf("cut to %d characters: %v, %v", n, p, err)
		}
	}
}

func TestTruncatedTextIsRejected(t *testing.T) {
	s := ForGroup(groupA, upstream.Filter{})
	for _, id := range logIDs {
		good := s.EncodeRow(Row{Second: 1542894380, LogID: id})
		for n := range good {
			if p, err := s.DecodeRow(good[:n], 1); err != ErrMalformed {
				t.Errorf("%q cut to %d characters: %v, %v", id, n, p, err)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	at := time.Date(2018, 11, 22, 13, 46, 20, 0, time.UTC)
	types := []upstream.Type{upstream.TypeNormal, upstream.TypeDiff}
	none := upstream.Filter{}
	different := []Scope{
		ForGroup(groupA, none), ForGroup(groupB, none), ForFeed([]upstream.Group{groupA}, none),
		ForFeed([]upstream.Group{groupA, groupB}, none),
		ForGroup(upstream.Group{Region: "x", Project: groupA.Project, ID: groupA.ID}, none),
		ForGroup(upstream.Group{Region: "default", Project: "x", ID: groupA.ID}, none),
		ForGroup(groupA, upstream.Filter{Status: upstream.StatusFail}),
		ForGroup(groupA, upstream.NewFilter(upstream.Filter{Types: types})),
		ForGroup(groupA, upstream.NewFilter(upstream.Filter{Types: types[:1]})),
		ForGroup(groupA, upstream.NewFilter(upstream.Filter{StartTime: at})),
		ForGroup(groupA, upstream.NewFilter(upstream.Filter{EndTime: at})),
		ForGroup(groupA, upstream.Filter{LogID: uuidLog}),
	}
	seen := map[Scope]int{}
	for i, s := range different {
		if j, ok := seen[s]; ok {
			t.Errorf("scopes %d and %d are equal", i, j)
		}
		seen[s] = i
	}
	equal := upstream.NewFilter(upstream.Filter{Types: []upstream.Type{types[1], types[0], types[1]}})
	if ForGroup(groupA, equal) != ForGroup(groupA, upstream.NewFilter(upstream.Filter{Types: types})) {
		t.Error("the order of types matters")
	}
	later := upstream.NewFilter(upstream.Filter{StartTime: at.Add(300 * time.Millisecond).In(time.FixedZone("", 3600))})
	if ForGroup(groupA, later) != ForGroup(groupA, upstream.NewFilter(upstream.Filter{StartTime: at})) {
		t.Error("an equal second in another zone matters")
	}
}

func FuzzCursor(f *testing.F) {
	s := ForGroup(groupA, upstream.Filter{})
	for _, id := range logIDs {
		f.Add(s.EncodeRow(Row{Second: 1542894380, LogID: id}))
	}
	f.Add("garbage")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := s.DecodeRow(cursor, 3)
		if err != nil {
			return
		}
		if again := s.EncodeRow(p); again != cursor {
			t.Errorf("%q is %v, whose cursor is %q", cursor, p, again)
		}
		if p.LogID == "" || p.Index > 2 || p.Second < MinSecond || p.Second > MaxSecond {
			t.Errorf("%q gives a place that cannot be: %v", cursor, p)
		}
	})
}

func BenchmarkCursorEncode(b *testing.B) {
	s, p := ForGroup(groupA, upstream.Filter{}), Row{Second: 1542894380, LogID: uuidLog}
	b.ReportAllocs()
	for b.Loop() {
		s.EncodeRow(p)
	}
}

func BenchmarkCursorDecode(b *testing.B) {
	s := ForGroup(groupA, upstream.Filter{})
	c := s.EncodeRow(Row{Second: 1542894380, LogID: uuidLog})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.DecodeRow(c, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScope(b *testing.B) {
	f := upstream.NewFilter(upstream.Filter{Status: upstream.StatusFail, Types: upstream.Types()})
	b.ReportAllocs()
	for b.Loop() {
		ForGroup(groupA, f)
	}
}

// TestCursorIsSigned changes cursors of a server with a secret. None of them is accepted, and a row keeps its cursor.
func TestCursorIsSigned(t *testing.T) {
	s := ForGroup(groupA, upstream.Filter{}).Keyed("secret")
	row, entry := Row{Second: 1542894380, LogID: uuidLog}, Position{1542894380, [2]string{"g", uuidLog}}
	kinds := map[string]struct {
		make func(Scope) string
		read func(Scope, string) error
	}{
		"row": {
			func(s Scope) string { return s.EncodeRow(row) },
			func(s Scope, c string) error { _, err := s.DecodeRow(c, 1); return err },
		},
		"entry of a list": {
			func(s Scope) string { return s.EncodePosition(entry) },
			func(s Scope, c string) error { _, err := s.DecodePosition(c); return err },
		},
	}
	for name, kind := range kinds {
		good := kind.make(s)
		if err := kind.read(s, good); err != nil || kind.make(s) != good {
			t.Errorf("%s: the cursor of the server itself: %v, or it changes", name, err)
		}
		for other, secret := range map[string]string{"no secret": "", "another secret": "other"} {
			if err := kind.read(s, kind.make(s.Keyed(secret))); err != ErrMalformed {
				t.Errorf("%s: a cursor of a server with %s: %v", name, other, err)
			}
		}
		raw, _ := opaque.Decode(good)
		for i := range raw {
			changed := slices.Clone(raw)
			changed[i] ^= 0x40
			if err := kind.read(s, opaque.Encode(changed)); err != ErrMalformed {
				t.Errorf("%s: byte %d was changed: %v", name, i, err)
			}
		}
		for n := range raw {
			if err := kind.read(s, opaque.Encode(raw[:n])); err != ErrMalformed {
				t.Errorf("%s: cut to %d bytes: %v", name, n, err)
			}
		}
	}
}
