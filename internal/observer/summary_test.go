package observer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"scalegraph/upstream/emulator"
)

// summarize requests a summary and judges it.
func (w *walker) summarize(ctx context.Context) {
	group, f := w.groups[w.rng.IntN(len(w.groups))], w.filter()
	if group == w.judge.broken {
		return
	}
	what := fmt.Sprintf("%s summary of %s %s", w.name, group, f.text())
	w.log.addf("%s", what)
	began := time.Now()
	s, err := w.clients[w.rng.IntN(len(w.clients))].summary(ctx, group, f)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.log.failf("%s: %v", what, err)
		return
	}
	if fault := w.judge.summary(group, f, s, began, w.judge.e.Seq()); fault != "" {
		w.log.failf("%s: %s", what, fault)
	}
}

// recounts is how often the counts of a summary are read again before it may have counts that do not add up.
const recounts = 4

// summary returns what is wrong with a summary. All of its counts are right at one moment since asOf. If the log has changed at least twice since,
// each may be right at a moment of its own, but both breakdowns add up to the total. Only if it has changed often enough since the request to
// spoil every reading may they be less.
func (j judge) summary(group string, f filter, s summary, began time.Time, arrived uint64) string {
	var near []string
	types := 0
	reported := map[string]int{"total": s.Total, emulator.Success: s.Succeeded, emulator.Fail: s.Failed, emulator.Doing: s.InProgress}
	for _, c := range s.ByType {
		reported[c.Type] = c.Count
		types += c.Count
	}
	states := j.states(group, s.AsOf, arrived)
	right := map[string]bool{}
	for _, at := range states {
		counts := countsOf(f.match(at, j.sw))
		equal := true
		for _, kinds := range []map[string]int{reported, counts} {
			for kind := range kinds {
				same := reported[kind] == counts[kind]
				right[kind] = right[kind] || same
				equal = equal && same
			}
		}
		if equal {
			return ""
		}
		near = append(near, fmt.Sprint(counts))
	}
	statuses := s.Succeeded + s.Failed + s.InProgress
	apart := len(states) > 2 && types == s.Total && statuses == s.Total
	if len(j.states(group, began, arrived)) > recounts {
		apart = types <= s.Total && statuses <= s.Total
		right["total"] = true // it may be the sum of its parts
	}
	for kind := range reported {
		apart = apart && right[kind]
	}
	if apart {
		return ""
	}
	return fmt.Sprintf("%+v is right at none of %d moments since asOf; oldest %s, newest %s", s, len(states), near[0], near[len(near)-1])
}

// countsOf counts rows by status and by type.
func countsOf(rows state) map[string]int {
	counts := map[string]int{"total": len(rows)}
	for _, r := range rows {
		counts[r.Status]++
		counts[strings.Replace(r.Type, "MANNUAL", "MANUAL", 1)]++
	}
	return counts
}
