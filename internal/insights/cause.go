package insights

import (
	"regexp"
	"strings"

	"scalegraph/upstream"
)

// unknownCause stands for a failure of which nothing is known.
const unknownCause = "UNKNOWN"

// cause is the classified reason of one failure of an instance or a load balancer.
type cause struct {
	key  string // equal for equal causes
	code string // empty: there is none
	text string // as sent
}

// causeOf returns the cause of a failure with these texts.
func causeOf(reason, details string) cause {
	c := cause{text: reason}
	if strings.TrimSpace(c.text) == "" {
		c.text = details
	}
	if strings.TrimSpace(c.text) == "" {
		c.text = unknownCause
	}
	if c.code = errorCode.FindString(reason); c.code == "" {
		c.code = errorCode.FindString(details)
	}
	if c.key = c.code; c.key == "" {
		c.key = Generalize(c.text)
	}
	return c
}

// texts returns the reason and the details of a failure; empty if f is nil or lacks them.
func texts(f *upstream.Failure) (reason, details string) {
	if f == nil {
		return "", ""
	}
	if f.Reason != nil {
		reason = *f.Reason
	}
	if f.Details != nil {
		details = *f.Details
	}
	return reason, details
}

// The parts of a text that differ between failures of one cause. The patterns are part of the API, because clients compare keys that
// different releases have computed.
var (
	errorCode = regexp.MustCompile(`\b[A-Z][A-Za-z]{1,9}\.\d{4,5}\b`)

	dateTime = regexp.MustCompile(`\d{4}[-/]\d{2}[-/]\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?` + timeZone)
	clock    = regexp.MustCompile(`\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\b` + timeZone)
	uuid     = regexp.MustCompile(`[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`)
	word     = regexp.MustCompile(`[0-9A-Za-z]+`)
	quoted   = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|“[^”]*”")
	single   = regexp.MustCompile(`(^|[^0-9A-Za-z])'[^']*'`)
	number   = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
)

const timeZone = `(?: ?(?:Z\b|UTC\b|GMT\b))?(?: ?[+-]\d{2}:?\d{2}\b)?`

// Generalize returns a text with times, ids, quoted names and numbers replaced, in this order. The result is stable between releases.
func Generalize(text string) string {
	text = dateTime.ReplaceAllLiteralString(text, "<time>")
	text = clock.ReplaceAllLiteralString(text, "<time>")
	text = uuid.ReplaceAllLiteralString(text, "<id>")
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if isHex(w) {
			return "<id>"
		}
		return w
	})
	text = quoted.ReplaceAllLiteralString(text, "<name>")
	text = single.ReplaceAllString(text, "${1}<name>")
	return number.ReplaceAllLiteralString(text, "<number>")
}

// isHex reports whether a word is a number in hexadecimal of 8 or more digits, with or without 0x.
func isHex(w string) bool {
	w = strings.TrimPrefix(w, "0x")
	return len(w) >= 8 && strings.Trim(w, "0123456789abcdefABCDEF") == ""
}
