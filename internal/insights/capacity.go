package insights

import (
	"slices"
	"time"

	"scalegraph/upstream"
)

const (
	// MinPoints is the least number of points that holds the first and the last one and the extremes of both values.
	MinPoints = 6
	// extremes is how many points represent a slot of time: those with the smallest and largest value of each kind.
	extremes = 4
)

// CapacityPoint is how many instances a group had, and was to have, when an activity started.
type CapacityPoint struct {
	Time    time.Time
	Desired *int32
	Current *int32
}

// Capacity collects the points of each group and reduces them by min-max: the time that they span is divided into slots, of which each retains
// the points with the smallest and the largest desired and current values. Slots double in length as needed, so that memory is bounded by the
// number of points. The result does not depend on the order of the rows.
type Capacity struct {
	points int
	curves map[upstream.Group]*curve
}

// NewCapacity returns a Capacity without rows that yields at most the given number of points for each group, which must be at least MinPoints.
func NewCapacity(points int) *Capacity {
	return &Capacity{points: points, curves: map[upstream.Group]*curve{}}
}

// Add adds the point of a row, which is not newer than the group's rows before.
func (c *Capacity) Add(row *upstream.Activity) {
	of := c.curves[row.Group]
	if of == nil {
		of = &curve{limit: c.points}
		c.curves[row.Group] = of
	}
	of.add(sample{seq: of.count, at: row.StartTime, values: [2]value{valueOf(row.DesireValue), valueOf(row.InstanceValue)}})
}

// Of returns the points of a group, the oldest first.
func (c *Capacity) Of(g upstream.Group) []CapacityPoint {
	points := []CapacityPoint{}
	if of := c.curves[g]; of != nil {
		for _, s := range of.samples() {
			points = append(points, CapacityPoint{s.at, s.values[0].pointer(), s.values[1].pointer()})
		}
	}
	return points
}

// value is a number that may be missing. Unlike a pointer into a row it does not keep the row in memory.
type value struct {
	number int32
	known  bool
}

func valueOf(n *int32) value {
	if n == nil {
		return value{}
	}
	return value{*n, true}
}

func (v value) pointer() *int32 {
	if !v.known {
		return nil
	}
	return &v.number
}

// sample is a point with its place among those of its group, the newest first.
type sample struct {
	seq    int
	at     time.Time
	values [2]value // desired, current
}

// curve is the points of one group: all of them while they are few, else the first, the last and the extremes of each slot.
type curve struct {
	limit  int
	count  int
	all    []sample // nil: reduced
	newest sample
	oldest sample
	shift  uint // a slot is 1<<shift seconds
	slots  map[uint64]slot
}

func (c *curve) add(s sample) {
	if c.count == 0 {
		c.newest = s
	}
	c.oldest = s
	c.count++
	if c.count <= c.limit {
		c.all = append(c.all, s)
		return
	}
	if c.slots == nil {
		c.slots = map[uint64]slot{}
		for _, earlier := range c.all {
			c.addToSlot(earlier)
		}
		c.all = nil
	}
	c.addToSlot(s)
}

func (c *curve) addToSlot(s sample) {
	if !s.values[0].known && !s.values[1].known {
		return
	}
	key := (uint64(s.at.Unix()) ^ 1<<63) >> c.shift // the first bit is flipped so that times before 1970 come first
	c.slots[key] = c.slots[key].with(s)
	for len(c.slots) > max(1, (c.limit-2)/extremes) {
		c.widen()
	}
}

// widen doubles the length of the slots.
func (c *curve) widen() {
	wider := make(map[uint64]slot, len(c.slots))
	for key, of := range c.slots {
		merged := wider[key>>1]
		for _, s := range of.samples() {
			merged = merged.with(s)
		}
		wider[key>>1] = merged
	}
	c.slots = wider
	c.shift++
}

// samples returns the points that are retained, the oldest first.
func (c *curve) samples() []sample {
	retained := slices.Clone(c.all)
	if c.slots != nil {
		retained = []sample{c.newest, c.oldest}
		for _, of := range c.slots {
			retained = append(retained, of.samples()...)
		}
	}
	slices.SortFunc(retained, func(a, b sample) int { return b.seq - a.seq })
	return slices.CompactFunc(retained, func(a, b sample) bool { return a.seq == b.seq })
}

// slot is the extremes of a stretch of time: the smallest and the largest desired value, then the same of the current value.
type slot [extremes]struct {
	sample

	known bool
}

// with returns the extremes with another point. Of equal ones the newest is retained.
func (of slot) with(s sample) slot {
	for i := range of {
		v, best := s.values[i/2], of[i].values[i/2]
		if !v.known {
			continue
		}
		better := v.number < best.number
		if i%2 == 1 {
			better = v.number > best.number
		}
		if !of[i].known || better || v.number == best.number && s.seq < of[i].seq {
			of[i].sample, of[i].known = s, true
		}
	}
	return of
}

func (of slot) samples() []sample {
	var list []sample
	for _, e := range of {
		if e.known {
			list = append(list, e.sample)
		}
	}
	return list
}
