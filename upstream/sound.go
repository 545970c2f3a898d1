package upstream

// maxDepth is how deep JSON may be nested. A page is 6 deep.
const maxDepth = 1000

// sound reports whether s is JSON of a bearable depth.
func sound(s string) bool {
	p := &scanner{s: s}
	p.value()
	return p.done()
}
