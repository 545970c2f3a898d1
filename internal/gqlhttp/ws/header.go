package ws

import (
	"encoding/json"
	"net/http"
	"strings"

	"scalegraph/internal/gqlhttp/params"
)

// initHeader returns the headers of a connection_init payload, which replace those of the request.
func initHeader(payload json.RawMessage, header http.Header) (http.Header, bool) {
	h := http.Header{}
	for _, name := range []string{"X-Auth-Token", "Scalegraph-Token", "Authorization", "Cache-Control", "Scalegraph-Explain"} {
		if values := header.Values(name); len(values) > 0 {
			h[name] = values
		}
	}
	members := map[string]any{}
	if len(payload) > 0 && params.Decode(payload, &members, "payload") != nil {
		return nil, false
	}
	for _, name := range []string{"X-Auth-Token", "Scalegraph-Token", "Authorization"} {
		for member, value := range members {
			if strings.EqualFold(member, name) && !setHeader(h, name, value) {
				return nil, false
			}
		}
	}
	return h, true
}

// setHeader accepts a text or a list of texts; null is like absent.
func setHeader(h http.Header, name string, value any) bool {
	switch v := value.(type) {
	case nil:
	case string:
		h[http.CanonicalHeaderKey(name)] = []string{v}
	case []any:
		h.Del(name)
		for _, entry := range v {
			text, ok := entry.(string)
			if !ok {
				return false
			}
			h.Add(name, text)
		}
	default:
		return false
	}
	return true
}
