package insights

import (
	"math"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every machine
)

// Interval is the length of a bucket.
type Interval string

// The intervals.
const (
	Minute Interval = "MINUTE"
	Hour   Interval = "HOUR"
	Day    Interval = "DAY"
)

// seconds returns the usual length of the interval.
func (i Interval) seconds() int64 {
	switch i {
	case Minute:
		return 60
	case Hour:
		return 3600
	}
	return secondsADay
}

const secondsADay = 24 * 3600

var zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,3}$`)

// LoadZone returns an IANA time zone. It returns false if there is none of this name; names that only some machines know are unknown.
func LoadZone(name string) (*time.Location, bool) {
	if !zoneName.MatchString(name) || name == "Local" || name == "localtime" || strings.HasPrefix(name, "posix") || strings.HasPrefix(name, "right/") {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// calendar divides time into buckets of local minutes, hours or days. Times are Unix seconds.
type calendar struct {
	interval Interval
	zone     *time.Location
}

// bucket returns the first second of the bucket that a time belongs to, and that of the next bucket.
func (c calendar) bucket(at int64) (start, end int64) {
	if c.interval == Day {
		return c.day(at)
	}
	return c.clock(at, c.interval.seconds())
}

// clock returns a local minute or hour. One that the clock shows twice is two buckets, and a change within one divides or shortens it.
func (c calendar) clock(at, length int64) (start, end int64) {
	p := c.periodAt(at)
	start = at - modulo(at+p.offset, length)
	end = start + length
	for p.start > start {
		earlier := c.periodAt(p.start - 1)
		if earlier.offset != p.offset {
			start = p.start
			break
		}
		p.start = earlier.start
	}
	for p.end < end {
		later := c.periodAt(p.end)
		if later.offset != p.offset {
			end = p.end
			break
		}
		p.end = later.end
	}
	return start, end
}

// day returns a local day. It starts at midnight, or at the first instant after it if the clock skips midnight; it ends where the next day
// that exists starts. A day lasts on if the clock goes back over its midnight.
func (c calendar) day(at int64) (start, end int64) {
	local := at + c.periodAt(at).offset
	midnight := local - modulo(local, secondsADay)
	start = c.firstAt(midnight)
	for end = start; end <= at; {
		start = end
		midnight += secondsADay
		end = c.firstAt(midnight)
	}
	return start, end
}

// firstAt returns the first instant at which the local clock shows a time or a later one. The time is given as if it were UTC.
func (c calendar) firstAt(local int64) int64 {
	const earlier = 26 * 3600 // more than any clock is ahead of UTC
	for at := local - earlier; ; {
		p := c.periodAt(at)
		if local-p.offset < p.end {
			return max(at, local-p.offset)
		}
		at = p.end
	}
}

// period is a time in which a zone has one offset from UTC, in seconds.
type period struct{ start, end, offset int64 }

func (c calendar) periodAt(at int64) period {
	t := time.Unix(at, 0).In(c.zone)
	_, offset := t.Zone()
	p := period{math.MinInt64, math.MaxInt64, int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		p.start = start.Unix()
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	return p
}

// modulo returns the remainder that is not negative.
func modulo(a, n int64) int64 { return ((a % n) + n) % n }
