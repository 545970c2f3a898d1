package emulator

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The documented bounds of limit.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// ask is what a well-formed call asks for.
type ask struct {
	place  place
	filter Filter
	offset int
	limit  int
	none   bool // an unknown type or status, which matches nothing under UnknownEmpty
}

// parameters reads the query. Unknown parameters are ignored, of a repeated one the first counts, and one that is there but empty is malformed.
func (e *Emulator) parameters(values url.Values) (ask, *refusal) {
	var q ask
	steps := []struct {
		name string
		read func(*ask, string) *refusal
	}{
		{"start_time", readStart},
		{"end_time", readEnd},
		{"start_number", readOffset},
		{"limit", e.readActivityLimit},
		{"log_id", readLogID},
		{"type", e.readTypes},
		{"status", e.readStatus},
	}
	q.limit = DefaultLimit
	for _, s := range steps {
		if !values.Has(s.name) {
			continue
		}
		if no := s.read(&q, values.Get(s.name)); no != nil {
			return q, no
		}
	}
	return q, nil
}

func readStart(q *ask, text string) *refusal {
	return readTime(&q.filter.Start, text, "AS.9001", "start_time")
}

func readEnd(q *ask, text string) *refusal {
	return readTime(&q.filter.End, text, "AS.9002", "end_time")
}

// timeForm is stricter than time.Parse, which lets a fraction pass.
var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

func readTime(at *time.Time, text, code, name string) *refusal {
	t, err := time.Parse(timeLayout, text)
	if err != nil || !timeForm.MatchString(text) {
		return bad(code, "The format of "+name+" is not yyyy-MM-ddThh:mm:ssZ.")
	}
	*at = t
	return nil
}

func readOffset(q *ask, text string) *refusal {
	n, ok := natural(text)
	if !ok {
		return bad("AS.9003", "The start_number is invalid.")
	}
	q.offset = n
	return nil
}

func (e *Emulator) readActivityLimit(q *ask, text string) *refusal {
	n, ok := e.readLimit(text)
	if !ok {
		return bad("AS.9004", "The limit is invalid.")
	}
	q.limit = n
	return nil
}

// readLimit reads a limit; false if it is invalid.
func (e *Emulator) readLimit(text string) (int, bool) {
	n, ok := natural(text)
	switch {
	case !ok || n > MaxLimit || n == 0 && e.sw.LimitZero == LimitZeroRefused:
		return 0, false
	case n == 0 && e.sw.LimitZero == LimitZeroDefault:
		return DefaultLimit, true
	}
	return n, true
}

// natural reads digits, and nothing else, that fit into the 32 bits of the SDKs.
func natural(text string) (int, bool) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > math.MaxInt32 {
		return 0, false
	}
	return int(n), true
}

var idForm = regexp.MustCompile(`^[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}$`)

func readLogID(q *ask, text string) *refusal {
	if !idForm.MatchString(text) {
		return bad("AS.9005", "The log_id is invalid.")
	}
	q.filter.LogID = text
	return nil
}

// readTypes reads one or several types; an empty one among them is malformed under every switch.
func (e *Emulator) readTypes(q *ask, text string) *refusal {
	for _, kind := range strings.Split(text, ",") {
		plain, ok := e.filterType(kind)
		switch {
		case ok:
			q.filter.Types = append(q.filter.Types, plain)
		case kind == "" || e.sw.UnknownFilter == UnknownRefused:
			return bad("AS.9012", "The type is invalid.")
		}
	}
	q.none = q.none || len(q.filter.Types) == 0
	return nil
}

// filterType returns the document's spelling of a type as this upstream's filters spell it.
func (e *Emulator) filterType(kind string) (string, bool) {
	switch {
	case e.sw.FilterSpelling == FilterManual && kind != oneN(kind):
		return "", false
	case e.sw.FilterSpelling == FilterMannual && kind != twoN(kind):
		return "", false
	}
	return twoN(kind), slices.Contains(Types(), twoN(kind))
}

func (e *Emulator) readStatus(q *ask, text string) *refusal {
	switch {
	case slices.Contains(Statuses(), text):
		q.filter.Status = text
	case text == "" || e.sw.UnknownFilter == UnknownRefused:
		return bad("AS.9013", "The status is invalid.")
	default:
		q.none = true
	}
	return nil
}
