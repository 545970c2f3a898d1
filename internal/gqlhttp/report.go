package gqlhttp

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/request"
)

// Report is what became of one operation, for metrics and logs. Nothing in it is a secret or without bounds.
type Report struct {
	Kind   string          // query, mutation or subscription; empty where the request was refused before that was known
	Name   string          // of the operation, where its document is trusted: other names are up to strangers
	Code   string          // of the first error, of a stream's last answer; empty: none
	Status int             // HTTP; 101 for an operation of a WebSocket
	Cost   int             // what was charged
	Again  Again           // whether it was executed, or its answer kept
	Took   time.Duration   // from the request's headers to the end of its answer
	Caller *request.Caller // with all that was counted; nil where the request was refused before that was known
}

// Again says how an answer was found that is given again, without executing anything. Empty: it was not.
type Again string

// The ways to find an answer.
const (
	AgainByRequest Again = "request" // by what is asked for, and by whom
	AgainByBytes   Again = "bytes"   // by all bytes of the request, see Config.Repeatable
)

// concerns notes which operation the report is about.
func (r *Report) concerns(op *graphql.OperationContext, trusted *Trusted) {
	if op.Operation == nil {
		return
	}
	r.Kind = string(op.Operation.Operation)
	if trusted.has(op.RawQuery) {
		r.Name = op.Operation.Name
	}
	r.Cost, _ = op.Stats.GetExtension(costStat).(int)
}

// says notes what the client was told.
func (r *Report) says(status int, resp *graphql.Response) {
	r.Status, r.Code = status, firstCode(resp)
}

func firstCode(resp *graphql.Response) string {
	if len(resp.Errors) == 0 {
		return ""
	}
	return codeOf(resp.Errors[0])
}
