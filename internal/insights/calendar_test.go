package insights

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t rapid.TB, name string) *time.Location {
	loc, ok := LoadZone(name)
	if !ok {
		t.Fatalf("no zone %s", name)
	}
	return loc
}

// starts returns the buckets from one instant to another, as the local clock shows their starts.
func starts(c calendar, from, to time.Time) []string {
	var list []string
	for at := from.Unix(); at < to.Unix(); {
		start, end := c.bucket(at)
		list = append(list, time.Unix(start, 0).In(c.zone).Format("02 15:04 -0700"))
		at = end
	}
	return list
}

func TestBucketsOverDaylightSaving(t *testing.T) {
	for name, c := range map[string]struct {
		zone     string
		interval Interval
		from, to string // UTC
		want     []string
	}{
		"an hour is skipped": {"Europe/Berlin", Hour, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", []string{"29 01:00 +0100", "29 03:00 +0200"}},
		"an hour is repeated": {"Europe/Berlin", Hour, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z",
			[]string{"25 02:00 +0200", "25 02:00 +0100"}},
		"a day of 23 and one of 24 hours": {"Europe/Berlin", Day, "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z", []string{"29 00:00 +0100", "30 00:00 +0200"}},
		"a day of 25 hours":               {"Europe/Berlin", Day, "2026-10-24T22:00:00Z", "2026-10-26T00:00:00Z", []string{"25 00:00 +0200", "26 00:00 +0100"}},
		"offset of 30 minutes":            {"Asia/Kolkata", Hour, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", []string{"01 05:00 +0530", "01 06:00 +0530"}},
		"offset of 45 minutes":            {"Asia/Kathmandu", Hour, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", []string{"01 05:00 +0545", "01 06:00 +0545"}},
		"half an hour is repeated": {"Australia/Lord_Howe", Hour, "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z",
			[]string{"05 01:00 +1100", "05 01:30 +1030", "05 02:00 +1030"}},
		"half an hour is skipped": {"Australia/Lord_Howe", Hour, "2026-10-03T14:30:00Z", "2026-10-03T16:30:00Z",
			[]string{"04 01:00 +1030", "04 02:30 +1100", "04 03:00 +1100"}},
		"midnight is skipped": {"America/Sao_Paulo", Day, "2018-11-03T03:00:00Z", "2018-11-05T03:00:00Z",
			[]string{"03 00:00 -0300", "04 01:00 -0200", "05 00:00 -0200"}},
		"midnight is reached twice": {"America/Sao_Paulo", Day, "2018-02-17T02:00:00Z", "2018-02-19T03:00:00Z",
			[]string{"17 00:00 -0200", "18 00:00 -0300"}},
		"a day is skipped": {"Pacific/Apia", Day, "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", []string{"29 00:00 -1000", "31 00:00 +1400"}},
		"the clock goes back over midnight": {"America/St_Johns", Day, "2010-11-06T03:00:00Z", "2010-11-08T04:30:00Z",
			[]string{"06 00:00 -0230", "07 00:00 -0230", "08 00:00 -0330"}},
		"minutes": {"Asia/Kathmandu", Minute, "2026-01-01T00:00:30Z", "2026-01-01T00:01:30Z", []string{"01 05:45 +0545", "01 05:46 +0545"}},
	} {
		from, _ := time.Parse(time.RFC3339, c.from)
		to, _ := time.Parse(time.RFC3339, c.to)
		if got := starts(calendar{c.interval, zone(t, c.zone)}, from, to); !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", name, got, c.want)
		}
	}
}

var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Shanghai",
	"Africa/Casablanca", "Pacific/Apia", "Pacific/Chatham", "Africa/Monrovia",
}

// Minute by minute, the local clock and the date confirm each bucket.
func TestBucketsAgreeWithTheLocalClock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := calendar{rapid.SampledFrom([]Interval{Minute, Hour, Day}).Draw(rt, "interval"), zone(rt, rapid.SampledFrom(zones).Draw(rt, "zone"))}
		at := rapid.Int64Range(0, 2_000_000_000).Draw(rt, "at")
		if rapid.Bool().Draw(rt, "near a change") {
			_, change := time.Unix(at, 0).In(c.zone).ZoneBounds()
			if !change.IsZero() {
				at = change.Unix() + rapid.Int64Range(-100_000, 100_000).Draw(rt, "distance")
			}
		}
		start, end := c.bucket(at)
		if start > at || end <= at {
			rt.Fatalf("%d is not within %d to %d", at, start, end)
		}
		for _, other := range []int64{start, end - 1, start + (end-start)/2} {
			if s, e := c.bucket(other); s != start || e != end {
				rt.Fatalf("%d is in %d to %d, %d in %d to %d", at, start, end, other, s, e)
			}
		}
		if _, e := c.bucket(start - 1); e != start {
			rt.Fatalf("the bucket before %d ends at %d", start, e)
		}
		first, last := labelOf(c, start), labelOf(c, end-1)
		if c.interval != Day && first != last {
			rt.Fatalf("a bucket goes from %s to %s", first, last)
		}
		if c.interval == Day && labelOf(c, start) == labelOf(c, start-1) {
			rt.Fatalf("a day starts at %s, within the day", first)
		}
		if c.interval != Day && labelOf(c, start-1) == first {
			rt.Fatalf("a bucket starts at %s, within it", first)
		}
	})
}

// labelOf returns what a bucket is about, as the local clock shows it.
func labelOf(c calendar, at int64) string {
	t := time.Unix(at, 0).In(c.zone)
	_, offset := t.Zone()
	switch c.interval {
	case Minute:
		return fmt.Sprint(t.Format("2006-01-02 15:04"), offset)
	case Hour:
		return fmt.Sprint(t.Format("2006-01-02 15"), offset)
	}
	return t.Format("2006-01-02")
}

func TestUnknownZones(t *testing.T) {
	for _, name := range []string{"", "Local", "Mars/Base", "../UTC", "/etc/localtime", "Europe/../UTC", "posix/UTC", "right/UTC", "Europe/Berlin\x00", "UTC "} {
		if _, ok := LoadZone(name); ok {
			t.Errorf("%q is a zone", name)
		}
	}
	for _, name := range append(zones, "Etc/GMT+8", "America/Argentina/Buenos_Aires") {
		if _, ok := LoadZone(name); !ok {
			t.Errorf("%q is no zone", name)
		}
	}
}
