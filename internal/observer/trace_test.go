package observer

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

// A trace is what happened in one history, for people. Its methods may be used by many goroutines.
type trace struct {
	mu     sync.Mutex
	lines  []string
	faults []string
}

func (t *trace) addf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, clock(time.Now())+" "+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", ": "))
}

// failf notes a wrong response.
func (t *trace) failf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.addf("WRONG: %s", text)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, text)
}

// call notes an upstream call.
func (t *trace) call(a emulator.Response) {
	t.addf("    upstream %s ?%s: change %d, total %d, %d rows", a.Group, a.RawQuery, a.Seq, a.Total, len(a.IDs))
}

// wrong returns what was wrong so far.
func (t *trace) wrong() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults
}

// report returns the faults and the lines up to shortly after the first of them, at most so many.
func (t *trace) report(most int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := len(t.lines)
	for i, line := range t.lines {
		if strings.Contains(line, "WRONG: ") {
			end = min(end, i+10)
			break
		}
	}
	faults := t.faults
	if n := len(faults); n > 8 {
		faults = append(faults[:8:8], fmt.Sprintf("and %d more", n-8))
	}
	return strings.Join(faults, "\n") + "\n\n" + strings.Join(t.lines[max(0, end-most):end], "\n")
}
