package gqlhttp

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of a plain answer.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
)

// negotiate chooses the media type of a plain answer by the client's Accept header. Where both are as welcome, it is
// application/graphql-response+json if the client names it, and application/json otherwise: clients that name neither are
// older than the other. It is false where the client takes neither; the answer that says so is application/json.
func negotiate(accept []string) (media string, ok bool) {
	if len(accept) == 0 {
		return mediaJSON, true
	}
	ranges := parseAccept(strings.Join(accept, ","))
	plain, _ := ranges.quality(mediaJSON)
	response, named := ranges.quality(mediaResponse)
	switch {
	case plain == 0 && response == 0:
		return mediaJSON, false
	case response > plain, response == plain && named:
		return mediaResponse, true
	}
	return mediaJSON, true
}

// mediaRange is one entry of an Accept header.
type mediaRange struct {
	pattern string // in lower case: a media type, type/*, or */*
	params  map[string]string
	q       float64 // 0 to 1; 0 refuses
}

type accepts []mediaRange

// quality returns how welcome a media type is by the most specific entry that covers it, and whether that entry names it.
func (a accepts) quality(media string) (q float64, named bool) {
	best := 0
	for _, r := range a {
		if s := r.specificity(media); s > best || s == best && s > 0 && r.q > q {
			best, q = s, r.q
		}
	}
	return q, best == 3
}

// specificity is 3 where r names media, 2 and 1 where it covers it by type/* and */*, and 0 where it does not.
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

// parseAccept leaves out what it cannot read. An empty header takes everything.
func parseAccept(header string) accepts {
	if strings.TrimSpace(header) == "" {
		return accepts{{pattern: "*/*", q: 1}}
	}
	var ranges accepts
	for _, entry := range splitList(header) {
		pattern, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		ranges = append(ranges, mediaRange{pattern, params, weight(params["q"])})
	}
	return ranges
}

// weight reads a q parameter; one that is missing or unreadable counts as 1.
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
