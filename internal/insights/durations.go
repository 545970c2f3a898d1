package insights

import (
	"maps"
	"slices"

	"scalegraph/upstream"
)

// Duration describes how long the finished activities of one direction took. Percentiles are nearest rank: exact values that occur.
type Duration struct {
	Direction  upstream.Direction
	Count      int32
	P50Seconds int32
	P90Seconds int32
	P99Seconds int32
	MaxSeconds int32
}

// Durations counts finished activities by direction and seconds. Memory grows with the number of different durations. The zero value has none.
type Durations struct {
	counts map[upstream.Direction]map[int32]int
}

// Add counts a row if the activity has finished.
func (d *Durations) Add(row *upstream.Activity) {
	seconds := row.DurationSeconds()
	if seconds == nil {
		return
	}
	direction := row.Direction()
	if d.counts == nil {
		d.counts = map[upstream.Direction]map[int32]int{}
	}
	if d.counts[direction] == nil {
		d.counts[direction] = map[int32]int{}
	}
	d.counts[direction][*seconds]++
}

// All returns the directions that have finished activities.
func (d *Durations) All() []*Duration {
	all := []*Duration{}
	for _, direction := range []upstream.Direction{upstream.DirectionOut, upstream.DirectionIn, upstream.DirectionNone} {
		if counts := d.counts[direction]; len(counts) > 0 {
			all = append(all, duration(direction, counts))
		}
	}
	return all
}

func duration(direction upstream.Direction, counts map[int32]int) *Duration {
	n := 0
	for _, count := range counts {
		n += count
	}
	seconds := slices.Sorted(maps.Keys(counts))
	percentile := func(p int) int32 {
		rank := (n*p + 99) / 100
		for _, s := range seconds {
			if rank -= counts[s]; rank <= 0 {
				return s
			}
		}
		return seconds[len(seconds)-1]
	}
	return &Duration{direction, int32(n), percentile(50), percentile(90), percentile(99), percentile(100)}
}
