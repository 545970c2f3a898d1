package httpserver

import (
	"bytes"
	"crypto/sha256"
	"net/http"
)

// turn is what a connection knows of the request that it is at. It belongs to the goroutine on which net/http serves the connection, but
// for arrived and alone: these change where net/http reads, which is on another goroutine while a request is served, and never on two.
type turn struct {
	between bool     // nothing that has arrived is unread, and what arrives next begins a request
	ahead   int64    // bytes that have arrived of the next request, where that is known but not begun: 0 or 1
	post    bool     // the last request that net/http has served was a POST
	key     askedKey // of what came in the first read
	alone   bool     // all came in the first read
	arrived int64    // bytes that have arrived
	head    int64    // bytes of the request's head; 0: not known
	body    int64    // of its body, as the handler knows; -1: not known
	named   bool     // the caller gave the request its id
}

// askedKey is a hash of all that a request is made of, credentials too. It must not collide on purpose.
type askedKey [sha256.Size]byte

// begin notes the first that arrived of a request, but for what was ahead.
func (t *turn) begin(key askedKey, p []byte) {
	*t = turn{post: t.post, key: key, alone: t.ahead == 0, arrived: t.ahead + int64(len(p)), head: headLength(p), body: -1}
	if t.head > 0 {
		t.head += t.arrived - int64(len(p))
	}
}

// headLength returns how many bytes of p belong to the head that it begins with, as net/http reads it: up to the first empty line. It is 0
// where p does not hold all of it.
func headLength(p []byte) int64 {
	for at := 0; ; {
		length := bytes.IndexByte(p[at:], '\n')
		if length < 0 {
			return 0
		}
		line := bytes.TrimSuffix(p[at:at+length], []byte("\r"))
		if at += length + 1; len(line) == 0 {
			return int64(at)
		}
	}
}

// more notes what else arrived before the request was answered: the rest of it, or the beginning of another, too.
func (t *turn) more(n int) {
	t.arrived += int64(n)
	t.alone = t.alone && n == 0
}

// is notes what net/http made of the request.
func (t *turn) is(r *http.Request, named bool) {
	t.named, t.post = named, r.Method == http.MethodPost
	if len(r.TransferEncoding) == 0 {
		t.body = r.ContentLength
	}
}

// whole reports whether all of the request has arrived. It may be asked before the handler reads the body.
func (t *turn) whole() bool {
	return t.head > 0 && t.body >= 0 && t.arrived >= t.head+t.body
}

// over ends the request, and reports whether it came whole in one read, and nothing else with it. Only where the request's length is known
// can it be told what of the next has been read: nothing, or the one byte by which net/http learns that a client is still there. Where
// that is once unknown it stays so.
func (t *turn) over() (alone bool) {
	rest, known := t.arrived-t.head-t.body, t.head > 0 && t.body >= 0
	alone = known && rest == 0 && t.alone
	*t = turn{between: known && rest == 0, post: t.post}
	if known && rest == 1 {
		t.ahead = 1
	}
	return alone
}
