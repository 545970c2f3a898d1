package redisstore

import (
	"reflect"
	"testing"
	"time"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/upstream"
	"scalegraph/upstream/fields/fieldstest"
)

func ptr[T any](v T) *T { return &v }

// fullSegment returns a segment with a value in every field.
func fullSegment() *block.Segment {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)
	failed := &upstream.Failure{Reason: ptr("AS.7003"), Details: ptr("no more servers")}
	row := &upstream.Activity{
		Group: upstream.Group{Region: "r", Project: "p", ID: "g"}, LogID: "one",
		Type: upstream.TypeManualAdd, RawType: "MANNUAL_ADD", Status: upstream.StatusSuccess, RawStatus: "SUCCESS",
		StartTime: at, EndTime: at.Add(time.Minute), InstanceValue: ptr(int32(1)), DesireValue: ptr(int32(-2)), ScalingValue: ptr(int32(0)),
		Description: ptr("{}"), ListLengths: upstream.ListLengths{Added: 1, Failed: 1, Bound: 1, UnbindFailed: 1},
		Details: upstream.Details{
			Sections:     upstream.AllSections,
			Added:        []*upstream.Instance{{ID: ptr("i"), Name: ptr(""), Config: nil}},
			Failed:       []*upstream.Instance{{Failure: failed}},
			Bound:        []*upstream.LoadBalancerChange{{LbaasListener: &upstream.LbaasListener{PoolID: ptr("pool"), Weight: ptr(int32(1))}}},
			UnbindFailed: []*upstream.LoadBalancerChange{{ClassicListener: ptr("c"), Failure: &upstream.Failure{}}},
		},
	}
	running := &upstream.Activity{
		Group: row.Group, LogID: "two", StartTime: at.Add(-time.Second), Details: upstream.Details{Sections: upstream.AllSections},
	}
	rows := []*upstream.Activity{row, nil, running}
	return &block.Segment{
		Rows: rows, Sections: upstream.AllSections, Gen: 1 << 63, NewestRank: 102, At: at, FreshUntil: at.Add(time.Second), Total: 1000, Expired: 7,
		AtEnd: true, Immutable: true, Weight: block.EstimateSize(rows), WriteID: 42,
	}
}

func texts(parts map[upstream.Sections][]byte) map[upstream.Sections]string {
	out := map[upstream.Sections]string{}
	for s, b := range parts {
		out[s] = string(b)
	}
	return out
}

func TestCodecRoundTrip(t *testing.T) {
	c := newCodec()
	defer c.close()
	seg := fullSegment()
	summary, parts := c.encodeSegment(testKey, seg)
	got, err := c.decodeSegment(testKey, seg.Rows[0].Group, string(summary), texts(parts))
	if err != nil || !reflect.DeepEqual(got, seg) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, seg)
	}
	st := &block.State{Gen: 3, Total: 1000, Expired: 7, At: seg.At, UnchangedSince: seg.At.Add(-time.Hour), ExpiredConfirmedAt: seg.At.Add(-time.Minute), Seq: 9, Confirmed: true, Head: seg}
	read, head, err := c.decodeState(testKey, string(c.encodeState(testKey, st)))
	if st.Head = nil; err != nil || head != 42 || !reflect.DeepEqual(read, st) {
		t.Errorf("%v: state %+v of head %d, want %+v", err, read, head, st)
	}
}

const testKey = "sg1:{x}:t"

// A value that was copied to another key is rejected.
func TestCodecBindsValuesToTheirKeys(t *testing.T) {
	c := newCodec()
	defer c.close()
	seg := fullSegment()
	summary, _ := c.encodeSegment(testKey, seg)
	if _, err := c.decodeSegment("sg1:{y}:t", seg.Rows[0].Group, string(summary), nil); err == nil {
		t.Error("a value was read under another key")
	}
	if text := signDecision("sg1:g:a:b", "y1"); text == signDecision("sg1:g:c:b", "y1") {
		t.Errorf("the decisions about two credentials are both %s", text)
	}
	s := &Store{}
	if d := s.decodeDecision("sg1:g:c:b", signDecision("sg1:g:a:b", "y1")); d != (access.Decision{}) || s.unreadable.Load() != 1 {
		t.Errorf("%v was read under another key", d)
	}
	for _, value := range []string{"y", "n", ".", "y1", "y1.", "yx.1", "garbage", "y1.zzzz"} {
		if d := s.decodeDecision("sg1:g:c:b", value); d != (access.Decision{}) {
			t.Errorf("%q was read as %v", value, d)
		}
	}
}

// Values of different writes do not make a segment.
func TestCodecRejectsMixedWrites(t *testing.T) {
	c := newCodec()
	defer c.close()
	seg := fullSegment()
	summary, _ := c.encodeSegment(testKey, seg)
	seg.WriteID++
	_, parts := c.encodeSegment(testKey, seg)
	if got, err := c.decodeSegment(testKey, seg.Rows[0].Group, string(summary), texts(parts)); err == nil {
		t.Errorf("read %+v", got)
	}
}

// If any byte is changed, the value is a miss.
func TestCodecDetectsCorruption(t *testing.T) {
	c := newCodec()
	defer c.close()
	seg := fullSegment()
	summary, _ := c.encodeSegment(testKey, seg)
	for i := range summary {
		corrupt := append([]byte(nil), summary...)
		corrupt[i] ^= 0x10
		if _, err := c.decodeSegment(testKey, seg.Rows[0].Group, string(corrupt), nil); err == nil {
			t.Errorf("byte %d changed, and the value was read", i)
		}
	}
}

// Decoding never panics, and accepted values are encoded to equal ones.
func FuzzDecode(f *testing.F) {
	c := newCodec()
	seg := fullSegment()
	summary, parts := c.encodeSegment(testKey, seg)
	f.Add(string(summary), string(parts[upstream.SectionFailures]), true)
	f.Add(string(encodeSummary(seg)), string(encodeSection(seg.Rows, upstream.SectionFailures)), false)
	f.Add(string(encodeSummary(seg)), string(encodeSection(seg.Rows, upstream.SectionFailures)[1:]), false)
	g := seg.Rows[0].Group
	f.Fuzz(func(t *testing.T, summary, section string, sealed bool) {
		if sealed {
			_, _ = c.decodeSegment(testKey, g, summary, map[upstream.Sections]string{upstream.SectionFailures: section})
			_, _, _ = c.decodeState(testKey, summary)
			return
		}
		q, err := decodeSummary(g, summary)
		if err != nil {
			return
		}
		if err := decodeSection(q.Rows, upstream.SectionFailures, section); err != nil {
			return
		}
		copied, err := decodeSummary(g, string(encodeSummary(q)))
		if err != nil || decodeSection(copied.Rows, upstream.SectionFailures, string(encodeSection(q.Rows, upstream.SectionFailures))) != nil {
			t.Fatalf("encoded and not decoded: %v", err)
		}
		if !reflect.DeepEqual(copied.Rows, q.Rows) || copied.NewestRank != q.NewestRank || !copied.At.Equal(q.At) {
			t.Fatalf("\n got %+v\nwant %+v", copied, q)
		}
	})
}

// Every field of an activity is encoded: a row with a value in all of them is decoded to an equal row.
func TestCodecCoversEveryField(t *testing.T) {
	rows := map[string]*upstream.Activity{"all fields": fieldstest.Full()}
	for path, row := range fieldstest.Variants() {
		rows[path] = row
	}
	c := newCodec()
	defer c.close()
	for path, row := range rows {
		row.RetainedBytes = 0 // a decoded row retains its strings only
		seg := &block.Segment{Rows: []*upstream.Activity{row}, Sections: upstream.AllSections, Gen: 1, Total: 1, At: row.StartTime, WriteID: 1}
		summary, parts := c.encodeSegment(testKey, seg)
		got, err := c.decodeSegment(testKey, row.Group, string(summary), texts(parts))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !reflect.DeepEqual(got.Rows[0], row) {
			t.Errorf("%s:\n got %+v\nwant %+v", path, got.Rows[0], row)
		}
	}
}
