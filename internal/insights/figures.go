package insights

import "scalegraph/upstream"

// Spec selects the figures to compute.
type Spec struct {
	Failures   bool
	Durations  bool
	Histograms []Buckets
	Capacities []int // in points a group
}

// Sections returns the parts of a row that the figures need.
func (s Spec) Sections() upstream.Sections {
	if s.Failures {
		return upstream.SectionFailures | upstream.SectionLoadBalancers
	}
	return 0
}

// Figures are computed from rows that are added the newest first.
type Figures struct {
	Failures   *Failures  // nil: not computed
	Durations  *Durations // nil: not computed
	Histograms map[Buckets]*Histogram
	Capacities map[int]*Capacity // by points
}

// New returns the figures of no rows.
func New(s Spec) *Figures {
	f := &Figures{Histograms: map[Buckets]*Histogram{}, Capacities: map[int]*Capacity{}}
	if s.Failures {
		f.Failures = &Failures{}
	}
	if s.Durations {
		f.Durations = &Durations{}
	}
	for _, b := range s.Histograms {
		f.Histograms[b] = NewHistogram(b)
	}
	for _, points := range s.Capacities {
		f.Capacities[points] = NewCapacity(points)
	}
	return f
}

// Add adds a row, which must have the sections of the Spec. It returns false if no further row can change the result: a histogram has more
// buckets than it may have.
func (f *Figures) Add(row *upstream.Activity) bool {
	if f.Failures != nil {
		f.Failures.Add(row)
	}
	if f.Durations != nil {
		f.Durations.Add(row)
	}
	for _, c := range f.Capacities {
		c.Add(row)
	}
	ok := true
	for _, h := range f.Histograms {
		h.Add(row)
		ok = ok && !h.tooLong
	}
	return ok
}
