package gqlhttp

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"scalegraph/internal/request"
)

// cachePolicy says how long a private cache, such as a browser's, may keep an answer without errors: as long as the pages in
// it are fresh. An answer without pages must be asked for anew, which the ETag makes cheap.
func cachePolicy(t *request.Tally, now time.Time) string {
	until, used := t.FreshUntil()
	if !used {
		return "private, max-age=0"
	}
	return fmt.Sprintf("private, max-age=%d", int(max(0, until.Sub(now)).Seconds()))
}

// unchanged reports whether the client has the very answer already.
func unchanged(h http.Header, tag string) bool {
	for _, line := range h.Values("If-None-Match") {
		for entry := range strings.SplitSeq(line, ",") {
			entry = strings.TrimPrefix(strings.TrimSpace(entry), "W/")
			if entry == tag || entry == "*" {
				return true
			}
		}
	}
	return false
}
