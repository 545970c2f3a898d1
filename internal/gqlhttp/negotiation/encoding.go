package negotiation

import "strings"

// Encoding returns the content encoding with the highest q in the Accept-Encoding headers; empty: none. If several have it, br precedes gzip, and zstd
// is chosen only if the client names it ahead of them.
func Encoding(accept []string) string {
	if len(accept) == 0 {
		return ""
	}
	weights, order := map[string]float64{}, []string{"br", "gzip", "zstd"}
	for _, entry := range splitList(strings.Join(accept, ",")) {
		name, params, _ := strings.Cut(entry, ";")
		_, q, ok := strings.Cut(params, "=")
		if !ok {
			q = "1"
		}
		name = strings.ToLower(strings.TrimSpace(name))
		weights[name] = weight(strings.TrimSpace(q))
		if name == "zstd" && weights["br"] == 0 && weights["gzip"] == 0 {
			order = []string{"zstd", "br", "gzip"}
		}
	}
	best, bestQ := "", 0.0
	for _, name := range order {
		q, listed := weights[name]
		if !listed && name != "zstd" {
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
