package cache

import (
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/cache/access"
	"scalegraph/cache/cachekey"
	"scalegraph/upstream"
)

var errBackoff = fmt.Errorf("failed a moment ago: %w", upstream.ErrUnavailable)

// failureBackoff records for backoffTTL that a log could not be read. Meanwhile stale rows are served without another call to the failing
// upstream. If the upstream throttled a credential, that holds for this credential only.
type failureBackoff struct {
	until *otter.Cache[backoffKey, time.Time]
}

type backoffKey struct {
	log       cachekey.Hash
	throttled access.Credential // zero: of all credentials
}

// backoffTTL is how long a failing upstream is not called if stale rows can be served instead.
const backoffTTL = time.Second

func newFailureBackoff() *failureBackoff {
	return &failureBackoff{otter.Must(&otter.Options[backoffKey, time.Time]{MaximumSize: maxGroups})}
}

func (r *failureBackoff) record(log cachekey.Hash, signer access.Credential, err error) {
	switch {
	case errors.Is(err, upstream.ErrRateLimited):
		r.until.Set(backoffKey{log, signer}, time.Now().Add(backoffTTL))
	case isUnavailable(err):
		r.until.Set(backoffKey{log: log}, time.Now().Add(backoffTTL))
	}
}

func (r *failureBackoff) clear(log cachekey.Hash, signer access.Credential) {
	for _, key := range []backoffKey{{log: log}, {log, signer}} {
		if _, ok := r.until.GetIfPresent(key); ok {
			r.until.Invalidate(key)
		}
	}
}

// active reports whether the last read of the log, by any credential or by this one, failed less than backoffTTL ago.
func (r *failureBackoff) active(log cachekey.Hash, signer access.Credential) bool {
	for _, key := range []backoffKey{{log: log}, {log, signer}} {
		if until, ok := r.until.GetIfPresent(key); ok && time.Now().Before(until) {
			return true
		}
	}
	return false
}
