package gqlhttp

import (
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/gqlhttp/stream"
)

// form says how the answer to an operation is written.
type form uint8

const (
	whole         form = iota // in one piece
	eventStream               // server-sent events, one connection for one operation
	multipart                 // a subscription in parts
	deferOld                  // deferred fragments in parts, deferSpec=20220824
	deferNew                  // the same, incrementalSpec=v0.2
	notAcceptable             // the client takes none of them
)

// preferences are what a client's Accept header says about streams. A stream is never what a client gets that did not name it: it
// would not know what to do with it.
type preferences struct {
	events   float64 // how welcome server-sent events are
	parts    float64 // how welcome a subscription in parts is
	deferred form    // how deferred fragments are welcome; whole where they are not
}

func preferencesOf(accept []string) preferences {
	var p preferences
	if len(accept) == 0 {
		return p
	}
	best := 0.0
	for _, r := range parseAccept(strings.Join(accept, ",")) {
		switch {
		case r.pattern == stream.MediaEvents:
			p.events = max(p.events, r.q)
		case r.pattern != stream.MediaMultipart:
		case r.params["subscriptionspec"] != "":
			p.parts = max(p.parts, r.q)
		case r.q > best:
			best, p.deferred = r.q, dialectOf(r.params)
		}
	}
	return p
}

// dialectOf returns the dialect of deferred fragments that a multipart entry names: the older one where it names none, as clients
// from before there were two; whole where it names one that is not ours.
func dialectOf(params map[string]string) form {
	incremental, older := params["incrementalspec"], params["deferspec"]
	switch {
	case incremental == "v0.2":
		return deferNew
	case incremental == "" && (older == "" || older == "20220824"):
		return deferOld
	}
	return whole
}

// subscription chooses the form of a subscription.
func (p preferences) subscription() form {
	switch {
	case p.parts > 0 && p.parts >= p.events:
		return multipart
	case p.events > 0:
		return eventStream
	}
	return notAcceptable
}

// formOf chooses the form of an operation that is known by now. Deferred fragments come in parts where the document was read for
// that, see engine.document.
func (x *exchange) formOf(kind ast.Operation) form {
	switch {
	case kind == ast.Subscription && x.r.Method == http.MethodHead:
		return notAcceptable
	case kind == ast.Subscription:
		return x.prefer.subscription()
	case x.acceptable:
		return whole
	case x.prefer.events > 0:
		return eventStream
	case x.prefer.deferred != whole:
		return x.prefer.deferred
	}
	return notAcceptable
}
