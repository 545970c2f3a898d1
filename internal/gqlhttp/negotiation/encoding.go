package negotiation

import "strings"

// encodings are the content encodings that the server writes for any client, best ratio of gain to cost first.
var encodings = []string{"br", "gzip"}

// Encoding returns the content encoding with the highest q in the Accept-Encoding headers; empty: none. If several have it, br precedes gzip, and zstd
// is chosen only if the client names it ahead of them.
func Encoding(accept []string) string {
	if len(accept) == 0 {
		return ""
	}
	weights, places := map[string]float64{}, map[string]int{}
	for i, entry := range splitList(strings.Join(accept, ",")) {
		name, params, _ := strings.Cut(entry, ";")
		_, q, ok := strings.Cut(params, "=")
		if !ok {
			q = "1"
		}
		name = strings.ToLower(strings.TrimSpace(name))
		weights[name], places[name] = weight(strings.TrimSpace(q)), i
	}
	best, bestQ, first := "", 0.0, len(places)
	for _, name := range encodings {
		q, listed := weights[name]
		if !listed {
			q = weights["*"]
		}
		if q > bestQ {
			best, bestQ = name, q
		}
		if listed && q > 0 {
			first = min(first, places[name])
		}
	}
	place, listed := places["zstd"]
	if q := weights["zstd"]; listed && (q > bestQ || q > 0 && q == bestQ && place < first) {
		best, bestQ = "zstd", q
	}
	if weights["identity"] > bestQ {
		return ""
	}
	return best
}
