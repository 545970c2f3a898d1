// Package negotiation chooses the form of a response by the headers Accept and Accept-Encoding of the request.
package negotiation

import (
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/gqlhttp/stream"
)

// The media types of a response in one piece.
const (
	MediaJSON     = "application/json"
	MediaResponse = "application/graphql-response+json"
)

// Form is how the response to an operation is written.
type Form uint8

// The forms.
const (
	Whole         Form = iota // in one piece
	EventStream               // server-sent events, one connection for one operation
	Multipart                 // a subscription in parts
	DeferOld                  // deferred fragments in parts, deferSpec=20220824
	DeferNew                  // deferred fragments in parts, incrementalSpec=v0.2
	NotAcceptable             // the client accepts none of them
)

// Accept holds the response forms that a client accepts. A client gets a stream only if it names the media type; a wildcard is not enough.
type Accept struct {
	Media    string // of a response in one piece; application/json if the client accepts none
	Whole    bool   // the client accepts a response in one piece
	Deferred Form   // of deferred fragments; Whole: the client does not accept them

	events float64 // q of server-sent events
	parts  float64 // q of a subscription in parts
}

// ParseAccept parses the Accept headers of a request. A request without any accepts application/json.
func ParseAccept(header []string) Accept {
	if len(header) == 0 {
		return Accept{Media: MediaJSON, Whole: true}
	}
	ranges := parseRanges(strings.Join(header, ","))
	a := Accept{}
	a.Media, a.Whole = ranges.wholeMedia()
	best := 0.0
	for _, r := range ranges {
		switch {
		case r.pattern == stream.MediaEvents:
			a.events = max(a.events, r.q)
		case r.pattern != stream.MediaMultipart:
		case r.params["subscriptionspec"] != "":
			a.parts = max(a.parts, r.q)
		case r.q > best:
			best, a.Deferred = r.q, dialectOf(r.params)
		}
	}
	return a
}

// Events reports whether the client accepts server-sent events.
func (a Accept) Events() bool { return a.events > 0 }

// Streams reports whether the client accepts any form of stream.
func (a Accept) Streams() bool { return a.events > 0 || a.parts > 0 || a.Deferred != Whole }

// wholeMedia chooses the media type of a response in one piece; false if the client accepts neither. If both have the same q, it is
// application/graphql-response+json if the client names it, and application/json otherwise: clients that name neither are older than the other.
func (a mediaRanges) wholeMedia() (media string, ok bool) {
	plain, _ := a.quality(MediaJSON)
	response, named := a.quality(MediaResponse)
	switch {
	case plain == 0 && response == 0:
		return MediaJSON, false
	case response > plain, response == plain && named:
		return MediaResponse, true
	}
	return MediaJSON, true
}

// dialectOf returns the dialect of deferred fragments that a multipart entry names: the older one if it names none, as clients do that are older than the
// second dialect; Whole if it names an unknown one.
func dialectOf(params map[string]string) Form {
	incremental, older := params["incrementalspec"], params["deferspec"]
	switch {
	case incremental == "v0.2":
		return DeferNew
	case incremental == "" && (older == "" || older == "20220824"):
		return DeferOld
	}
	return Whole
}

// Subscription chooses the form of a subscription.
func (a Accept) Subscription() Form {
	switch {
	case a.parts > 0 && a.parts >= a.events:
		return Multipart
	case a.events > 0:
		return EventStream
	}
	return NotAcceptable
}

// Form chooses the form of an operation by its kind and the HTTP method.
func (a Accept) Form(kind ast.Operation, method string) Form {
	switch {
	case kind == ast.Subscription && method == http.MethodHead:
		return NotAcceptable
	case kind == ast.Subscription:
		return a.Subscription()
	case a.Whole:
		return Whole
	case a.events > 0:
		return EventStream
	case a.Deferred != Whole:
		return a.Deferred
	}
	return NotAcceptable
}
