package negotiation

import "strings"

// encodings are the content encodings that the server writes, best ratio of gain to cost first.
var encodings = []string{"zstd", "br", "gzip"}

// Encoding returns the content encoding with the highest q in the Accept-Encoding headers, the first of encodings if several have it; empty: none.
func Encoding(accept []string) string {
	if len(accept) == 0 {
		return ""
	}
	weights := map[string]float64{}
	for _, entry := range splitList(strings.Join(accept, ",")) {
		name, params, _ := strings.Cut(entry, ";")
		_, q, ok := strings.Cut(params, "=")
		if !ok {
			q = "1"
		}
		weights[strings.ToLower(strings.TrimSpace(name))] = weight(strings.TrimSpace(q))
	}
	best, bestQ := "", 0.0
	for _, name := range encodings {
		q, listed := weights[name]
		if !listed {
			q = weights["*"]
		}
		if q > bestQ {
			best, bestQ = name, q
		}
	}
	if weights["identity"] > bestQ {
		return ""
	}
	return best
}
