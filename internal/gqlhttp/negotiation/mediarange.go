package negotiation

import (
	"mime"
	"strconv"
	"strings"
)

// mediaRange is one entry of an Accept header.
type mediaRange struct {
	pattern string // in lower case: a media type, type/*, or */*
	params  map[string]string
	q       float64 // 0 to 1; 0 rejects
}

type mediaRanges []mediaRange

// quality returns the q of a media type by the most specific entry that covers it, and whether that entry names it.
func (a mediaRanges) quality(media string) (q float64, named bool) {
	best := 0
	for _, r := range a {
		if s := r.specificity(media); s > best || s == best && s > 0 && r.q > q {
			best, q = s, r.q
		}
	}
	return q, best == 3
}

// specificity is 3 if r names media, 2 and 1 if it covers it by type/* and */*, and 0 if it does not cover it.
func (r mediaRange) specificity(media string) int {
	family, _, _ := strings.Cut(media, "/")
	switch r.pattern {
	case media:
		return 3
	case family + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// parseRanges skips entries that are malformed. An empty header accepts everything.
func parseRanges(header string) mediaRanges {
	if strings.TrimSpace(header) == "" {
		return mediaRanges{{pattern: "*/*", q: 1}}
	}
	var ranges mediaRanges
	for _, entry := range splitList(header) {
		pattern, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		ranges = append(ranges, mediaRange{pattern, params, weight(params["q"])})
	}
	return ranges
}

// weight parses a q parameter; one that is missing or malformed counts as 1.
func weight(q string) float64 {
	w, err := strconv.ParseFloat(q, 64)
	if err != nil || !(w >= 0 && w <= 1) {
		return 1
	}
	return w
}

// splitList splits at commas that are not inside quotes.
func splitList(header string) []string {
	var entries []string
	quoted, start := false, 0
	for i := 0; i < len(header); i++ {
		switch c := header[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			entries = append(entries, header[start:i])
			start = i + 1
		}
	}
	return append(entries, header[start:])
}
