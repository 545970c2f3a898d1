package gqlhttp

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"scalegraph/internal/request"
)

// cacheControl returns the Cache-Control of a response without errors. A private cache, such as that of a browser, may serve it as long as the pages in
// it are fresh. A response without pages must be revalidated, which the ETag makes cheap. One with extensions.explain, which Vary does not
// cover, must not be stored.
func cacheControl(c *request.Caller, now time.Time) string {
	if c.Explain {
		return "no-store"
	}
	until, used := c.Tally.FreshUntil()
	if !used {
		return "private, max-age=0"
	}
	return fmt.Sprintf("private, max-age=%d", int(max(0, until.Sub(now)).Seconds()))
}

// notModified reports whether the client has the response already.
func notModified(h http.Header, tag string) bool {
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
