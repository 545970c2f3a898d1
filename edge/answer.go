package edge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// refuse writes a request that never reached GraphQL.
func (x *exchange) refuse(why *refusal) {
	x.write(why.status, &graphql.Response{Errors: gqlerror.List{why.err}})
}

// answer writes what gqlgen made of an operation. Where it is nil the time was over before anything was executed, which gqlgen
// says by that alone.
func (x *exchange) answer(resp *graphql.Response) {
	if resp == nil {
		resp = &graphql.Response{Errors: gqlerror.List{errorf(codeRequestTimeout, "The request ran out of time before it was executed.")}}
	}
	x.write(x.statusOf(resp), resp)
}

// statusOf is 200 for whatever was executed, failed or not, and by the error's code for the rest.
func (x *exchange) statusOf(resp *graphql.Response) int {
	if len(resp.Data) > 0 || len(resp.Errors) == 0 {
		return http.StatusOK
	}
	return x.status(codeOf(resp.Errors[0]))
}

func (x *exchange) write(status int, resp *graphql.Response) {
	var body bytes.Buffer
	encode(&body, resp)
	h := x.w.Header()
	h.Set("Content-Type", x.media+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body.Bytes()) // nobody is left to hear of a broken connection
}

// encode writes a response. The data go out as gqlgen wrote them; an answer without any has no entry for them.
func encode(w *bytes.Buffer, resp *graphql.Response) {
	w.WriteByte('{')
	if len(resp.Data) > 0 {
		w.WriteString(`"data":`)
		w.Write(resp.Data)
	}
	if len(resp.Errors) > 0 {
		entry(w, "errors", resp.Errors)
	}
	if len(resp.Extensions) > 0 {
		entry(w, "extensions", resp.Extensions)
	}
	w.WriteByte('}')
}

// entry writes one more member of an object. A value that cannot be encoded is left out; ours always can.
func entry(w *bytes.Buffer, name string, value any) {
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
