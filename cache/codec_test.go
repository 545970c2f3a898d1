package cache

import (
	"reflect"
	"testing"
	"time"

	"scalegraph/upstream"
)

func ptr[T any](v T) *T { return &v }

// full is a piece with something in every field.
func full() *piece {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)
	failed := &upstream.Failure{Reason: ptr("AS.7003"), Details: ptr("no more servers")}
	row := &upstream.Activity{
		Group: upstream.Group{Region: "r", Project: "p", ID: "g"}, LogID: "one",
		Type: upstream.TypeManualAdd, RawType: "MANNUAL_ADD", Status: upstream.StatusSuccess, RawStatus: "SUCCESS",
		StartTime: at, EndTime: at.Add(time.Minute), InstanceValue: ptr(int32(1)), DesireValue: ptr(int32(-2)), ScalingValue: ptr(int32(0)),
		Description: ptr("{}"), Lengths: upstream.Lengths{Added: 1, Failed: 1, Bound: 1, UnbindFailed: 1},
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
	return &piece{
		rows: rows, sections: upstream.AllSections, gen: 1 << 63, first: 102, at: at, until: at.Add(time.Second), total: 1000, expired: 7,
		oldest: true, fixed: true, weight: weigh(rows), stamp: 42,
	}
}

func texts(parts map[upstream.Sections][]byte) map[upstream.Sections]string {
	out := map[upstream.Sections]string{}
	for s, b := range parts {
		out[s] = string(b)
	}
	return out
}

func TestCodecKeepsEverything(t *testing.T) {
	c := newCodec()
	defer c.close()
	p := full()
	summary, parts := c.encodePiece(testKey, p)
	got, err := c.decodePiece(testKey, p.rows[0].Group, string(summary), texts(parts))
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, p)
	}
	tr := &track{gen: 3, total: 1000, expired: 7, at: p.at, since: p.at.Add(-time.Hour), proven: p.at.Add(-time.Minute), seq: 9, confirmed: true, head: p}
	read, stamp, err := c.decodeTrack(testKey, string(c.encodeTrack(testKey, tr)))
	if tr.head = nil; err != nil || stamp != 42 || !reflect.DeepEqual(read, tr) {
		t.Errorf("%v: track %+v of head %d, want %+v", err, read, stamp, tr)
	}
}

// Parts that were written at different times are no piece.
const testKey = "sg1:{x}:t"

// A value that was copied to another key is unreadable there.
func TestCodecBindsValuesToTheirKeys(t *testing.T) {
	c := newCodec()
	defer c.close()
	p := full()
	summary, _ := c.encodePiece(testKey, p)
	if _, err := c.decodePiece("sg1:{y}:t", p.rows[0].Group, string(summary), nil); err == nil {
		t.Error("a piece was read under another key")
	}
	if text := signVerdict("sg1:g:a:b", "y1"); text == signVerdict("sg1:g:c:b", "y1") {
		t.Errorf("the verdicts of two credentials are both %s", text)
	}
	s := &store{counters: new(Counters)}
	if v := s.readVerdict("sg1:g:c:b", signVerdict("sg1:g:a:b", "y1")); v != (verdict{}) || s.counters.unreadable.Load() != 1 {
		t.Errorf("%v was read under another key", v)
	}
	for _, value := range []string{"y", "n", ".", "y1", "y1.", "yx.1", "garbage", "y1.zzzz"} {
		if v := s.readVerdict("sg1:g:c:b", value); v != (verdict{}) {
			t.Errorf("%q was read as %v", value, v)
		}
	}
}

func TestCodecRefusesMixedGenerations(t *testing.T) {
	c := newCodec()
	defer c.close()
	p := full()
	summary, _ := c.encodePiece(testKey, p)
	p.stamp++
	_, parts := c.encodePiece(testKey, p)
	if got, err := c.decodePiece(testKey, p.rows[0].Group, string(summary), texts(parts)); err == nil {
		t.Errorf("read %+v", got)
	}
}

// One changed byte anywhere is a miss.
func TestCodecNoticesRot(t *testing.T) {
	c := newCodec()
	defer c.close()
	p := full()
	summary, _ := c.encodePiece(testKey, p)
	for i := range summary {
		rotten := append([]byte(nil), summary...)
		rotten[i] ^= 0x10
		if _, err := c.decodePiece(testKey, p.rows[0].Group, string(rotten), nil); err == nil {
			t.Errorf("byte %d changed, and the value was read", i)
		}
	}
}

// Whatever the payload, decoding does not panic, and what is read is written as it was read.
func FuzzDecode(f *testing.F) {
	c := newCodec()
	p := full()
	summary, parts := c.encodePiece(testKey, p)
	f.Add(string(summary), string(parts[upstream.SectionFailures]), true)
	f.Add(string(encodeSummary(p)), string(encodeSection(p.rows, upstream.SectionFailures)), false)
	f.Add(string(encodeSummary(p)), string(encodeSection(p.rows, upstream.SectionFailures)[1:]), false)
	g := p.rows[0].Group
	f.Fuzz(func(t *testing.T, summary, section string, sealed bool) {
		if sealed {
			_, _ = c.decodePiece(testKey, g, summary, map[upstream.Sections]string{upstream.SectionFailures: section})
			_, _, _ = c.decodeTrack(testKey, summary)
			return
		}
		q, err := decodeSummary(g, summary)
		if err != nil {
			return
		}
		if err := decodeSection(q.rows, upstream.SectionFailures, section); err != nil {
			return
		}
		again, err := decodeSummary(g, string(encodeSummary(q)))
		if err != nil || decodeSection(again.rows, upstream.SectionFailures, string(encodeSection(q.rows, upstream.SectionFailures))) != nil {
			t.Fatalf("written and not read: %v", err)
		}
		if !reflect.DeepEqual(again.rows, q.rows) || again.first != q.first || !again.at.Equal(q.at) {
			t.Fatalf("\n got %+v\nwant %+v", again, q)
		}
	})
}
