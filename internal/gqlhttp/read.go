package gqlhttp

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/negotiation"
	"scalegraph/internal/gqlhttp/params"
)

// readText reads the text of the parameters into b: the body of a POST, otherwise the query part of the URL.
func readText(b *bytes.Buffer, w http.ResponseWriter, r *http.Request, maxSize int64) *execution.Rejection {
	if r.Method == http.MethodPost {
		return readBody(b, w, r, maxSize)
	}
	if contentType := r.Header.Get("Content-Type"); contentType != "" && !isJSON(contentType) {
		return unsupportedMediaType()
	}
	if n := int64(len(r.URL.RawQuery)); n > maxSize {
		return execution.Rejectf(http.StatusRequestURITooLong, apierr.TooComplex, "The URL's query has %d bytes; at most %d are allowed.", n, maxSize)
	}
	b.WriteString(r.URL.RawQuery)
	return nil
}

// readParams parses the parameters. The error repeats nothing of the text.
func readParams(r *http.Request, text []byte) (*graphql.RawParams, *execution.Rejection) {
	parse := params.ParseURL
	if r.Method == http.MethodPost {
		parse = params.ParseBody
	}
	start := graphql.Now()
	p, err := parse(text)
	if err != nil {
		return nil, badRequest(err)
	}
	raw, err := p.Raw(r.Header, start)
	if err != nil {
		return nil, badRequest(err)
	}
	return raw, nil
}

func badRequest(err *gqlerror.Error) *execution.Rejection {
	return &execution.Rejection{Status: http.StatusBadRequest, Err: err}
}

// isJSON reports whether a Content-Type is JSON in UTF-8. Others are rejected, above all the types that a browser sends to other sites without a
// preflight.
func isJSON(contentType string) bool {
	if contentType == negotiation.MediaJSON {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != negotiation.MediaJSON {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

func unsupportedMediaType() *execution.Rejection {
	return execution.Rejectf(http.StatusUnsupportedMediaType, apierr.BadUserInput, "The Content-Type must be application/json in UTF-8.")
}

func readBody(body *bytes.Buffer, w http.ResponseWriter, r *http.Request, maxBody int64) *execution.Rejection {
	if !isJSON(r.Header.Get("Content-Type")) {
		return unsupportedMediaType()
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110, section 15.5.16
		return execution.Rejectf(http.StatusUnsupportedMediaType, apierr.BadUserInput, "Request bodies with a Content-Encoding are not supported; send the body without.")
	}
	if r.ContentLength > maxBody {
		return execution.Rejectf(http.StatusRequestEntityTooLarge, apierr.TooComplex, "The body has %d bytes; at most %d are allowed.", r.ContentLength, maxBody)
	}
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return execution.Rejectf(http.StatusRequestEntityTooLarge, apierr.TooComplex, "The body has more than %d bytes; at most %[1]d are allowed.", maxBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return execution.Rejectf(http.StatusRequestTimeout, apierr.RequestTimeout, "The body did not arrive in time.")
	}
	if err != nil {
		return execution.Rejectf(http.StatusBadRequest, apierr.BadUserInput, "The body could not be read to its end.")
	}
	return nil
}
