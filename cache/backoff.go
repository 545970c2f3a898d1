package cache

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

var errBackoff = fmt.Errorf("failed a moment ago: %w", upstream.ErrUnavailable)

// failureBackoff records for backoffTTL that a log could not be read. Meanwhile stale rows are served without another call to the failing
// upstream.
type failureBackoff struct {
	byLog *otter.Cache[keyHash, time.Time]
}

// backoffTTL is how long a failing upstream is not called if stale rows can be served instead.
const backoffTTL = time.Second

func newFailureBackoff() *failureBackoff {
	return &failureBackoff{otter.Must(&otter.Options[keyHash, time.Time]{MaximumSize: maxGroups})}
}

func (r *failureBackoff) record(log keyHash, err error) {
	if isUnavailable(err) {
		r.byLog.Set(log, time.Now().Add(backoffTTL))
	}
}

func (r *failureBackoff) clear(log keyHash) {
	if _, ok := r.byLog.GetIfPresent(log); ok {
		r.byLog.Invalidate(log)
	}
}

// active reports whether the last read of the log failed less than backoffTTL ago.
func (r *failureBackoff) active(l *lookup) bool {
	until, ok := r.byLog.GetIfPresent(l.key.hash)
	return ok && time.Now().Before(until)
}
