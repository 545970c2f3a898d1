package gqlhttp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
)

// refuse answers a request that never reached GraphQL.
func (x *exchange) refuse(why *refusal) {
	x.write(why.status, &graphql.Response{Errors: gqlerror.List{why.err}})
}

// answer writes what gqlgen made of an operation.
func (x *exchange) answer(resp *graphql.Response) {
	resp = inTime(resp)
	x.write(x.statusOf(resp), resp)
}

// inTime returns resp. Where that is nil the time was over before anything was executed, which gqlgen says by nothing else.
func inTime(resp *graphql.Response) *graphql.Response {
	if resp != nil {
		return resp
	}
	return &graphql.Response{Errors: gqlerror.List{apierr.New(apierr.RequestTimeout, "The request ran out of time before it was executed.")}}
}

// statusOf is 200 for whatever was executed, failed or not, and by the first error's code for the rest.
func (x *exchange) statusOf(resp *graphql.Response) int {
	if len(resp.Data) > 0 || len(resp.Errors) == 0 {
		return http.StatusOK
	}
	return requestStatus(apierr.CodeOf(resp.Errors[0]), x.cfg.StatusProfile, x.media)
}

// write sends the one answer of the exchange.
func (x *exchange) write(status int, resp *graphql.Response) {
	x.report.Status, x.report.Code = status, firstCode(resp)
	b := x.buffers.get()
	defer x.buffers.giveBack(b)
	appendTo(b, resp)
	body := &encodedBody{body: b.Bytes()}
	if len(resp.Errors) == 0 {
		x.cacheResponse(body)
		x.send(status, body, true)
		return
	}
	x.w.Header().Set("Cache-Control", "no-store")
	retryAfter(x.w.Header(), status, resp)
	x.send(status, body, false)
}

// send sends an answer in the encoding that the client likes best. One that may be cached, and was asked for by a method that caches
// understand, says for how long, and is not sent to a client that has it.
func (x *exchange) send(status int, b *encodedBody, cacheable bool) {
	encoding := ""
	if len(b.body) >= leastCompressed {
		encoding = chooseEncoding(x.r.Header.Values("Accept-Encoding"))
	}
	h := x.w.Header()
	if cacheable && x.r.Method != http.MethodPost {
		tag := b.etag(encoding)
		h.Set("ETag", tag)
		h.Set("Cache-Control", cachePolicy(x.caller, time.Now()))
		if unchanged(x.r.Header, tag) {
			x.report.Status = http.StatusNotModified
			x.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h["Content-Type"] = contentTypes[x.media]
	body := b.encoded(encoding, x.compressors)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // nobody is left to hear of a broken connection
}

// retryAfter says when to come again, where a limit of ours refused the request.
func retryAfter(h http.Header, status int, resp *graphql.Response) {
	if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
		return
	}
	wait := int64(1)
	if len(resp.Errors) > 0 {
		if seconds, ok := resp.Errors[0].Extensions["retryAfterSeconds"].(int64); ok {
			wait = seconds
		}
	}
	h.Set("Retry-After", strconv.FormatInt(wait, 10))
}

// encode writes a response. The data go out as gqlgen wrote them; an answer without any has no entry for them.
func encode(resp *graphql.Response) []byte {
	var w bytes.Buffer
	appendTo(&w, resp)
	return w.Bytes()
}

func appendTo(w *bytes.Buffer, resp *graphql.Response) {
	w.Grow(len(resp.Data) + 512)
	w.WriteByte('{')
	if len(resp.Data) > 0 {
		w.WriteString(`"data":`)
		w.Write(resp.Data)
	}
	if len(resp.Errors) > 0 {
		member(w, "errors", resp.Errors)
	}
	if len(resp.Extensions) > 0 {
		member(w, "extensions", resp.Extensions)
	}
	w.WriteByte('}')
}

// member adds one member to an object. A value that JSON cannot express is left out; ours always can be.
func member(w *bytes.Buffer, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		return
	}
	if w.Len() > 1 {
		w.WriteByte(',')
	}
	w.WriteString(`"` + name + `":`)
	w.Write(text)
}
