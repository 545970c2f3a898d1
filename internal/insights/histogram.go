package insights

import (
	"errors"
	"time"

	"scalegraph/upstream"
)

// MaxBuckets is the most buckets of a histogram.
const MaxBuckets = 1000

// ErrTooManyBuckets means that the rows span more than MaxBuckets.
var ErrTooManyBuckets = errors.New("the rows span too many buckets")

// longestBucket bounds the length of any bucket, as a multiple of Interval.seconds.
const longestBucket = 2

// Buckets defines how a histogram divides time.
type Buckets struct {
	Interval Interval
	Zone     string // known to LoadZone
}

// Bucket counts the activities that started within one interval.
type Bucket struct {
	Start           time.Time // in UTC
	Total           int32     // also counts outcomes that are in none of the next four
	Succeeded       int32
	PartiallyFailed int32
	Failed          int32
	InProgress      int32
	ScaledOut       int32
	ScaledIn        int32
}

// Histogram counts activities by the time of their start. Memory grows with the number of buckets that have rows.
type Histogram struct {
	calendar       calendar
	byStart        map[int64]*Bucket
	current        *Bucket // of the row before
	start, end     int64   // of current
	newest, oldest int64   // starts of rows
	tooLong        bool    // the rows span more than MaxBuckets for certain
}

// NewHistogram returns a histogram of no rows. It panics if the zone is unknown.
func NewHistogram(b Buckets) *Histogram {
	zone, ok := LoadZone(b.Zone)
	if !ok {
		panic("unknown time zone " + b.Zone)
	}
	return &Histogram{calendar: calendar{b.Interval, zone}, byStart: map[int64]*Bucket{}}
}

// Add counts a row, which is not newer than those before.
func (h *Histogram) Add(row *upstream.Activity) {
	at := row.StartTime.Unix()
	if len(h.byStart) == 0 {
		h.newest = at
	}
	h.oldest = at
	if h.tooLong = h.newest-at > (MaxBuckets+1)*longestBucket*h.calendar.interval.seconds() || len(h.byStart) > MaxBuckets; h.tooLong {
		return
	}
	h.bucketAt(at).add(row)
}

func (h *Histogram) bucketAt(at int64) *Bucket {
	if h.current != nil && h.start <= at && at < h.end {
		return h.current
	}
	h.start, h.end = h.calendar.bucket(at)
	h.current = h.byStart[h.start]
	if h.current == nil {
		h.current = &Bucket{Start: time.Unix(h.start, 0).UTC()}
		h.byStart[h.start] = h.current
	}
	return h.current
}

func (b *Bucket) add(row *upstream.Activity) {
	b.Total++
	switch row.Outcome() {
	case upstream.OutcomeSucceeded:
		b.Succeeded++
	case upstream.OutcomePartiallyFailed:
		b.PartiallyFailed++
	case upstream.OutcomeFailed:
		b.Failed++
	case upstream.OutcomeInProgress:
		b.InProgress++
	}
	switch row.Direction() {
	case upstream.DirectionOut:
		b.ScaledOut++
	case upstream.DirectionIn:
		b.ScaledIn++
	}
}

// All returns consecutive buckets from that of the oldest row to that of the newest, empty ones included; none if there are no rows. The error
// is ErrTooManyBuckets.
func (h *Histogram) All() ([]*Bucket, error) {
	all := []*Bucket{}
	if h.tooLong {
		return nil, ErrTooManyBuckets
	}
	if len(h.byStart) == 0 {
		return all, nil
	}
	start, end := h.calendar.bucket(h.oldest)
	for ; start <= h.newest; start, end = h.calendar.bucket(end) {
		if len(all) == MaxBuckets {
			return nil, ErrTooManyBuckets
		}
		b := h.byStart[start]
		if b == nil {
			b = &Bucket{Start: time.Unix(start, 0).UTC()}
		}
		all = append(all, b)
	}
	return all, nil
}
