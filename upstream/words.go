package upstream

// The words that rows have over and over. All rows share the texts below: one text that is read again and again stays in the
// processor's cache, where the texts of a hundred logs do not.
var (
	types    = spelledTypes()
	statuses = map[string]spelled[Status]{
		"SUCCESS": {"SUCCESS", StatusSuccess},
		"FAIL":    {"FAIL", StatusFail},
		"DOING":   {"DOING", StatusDoing},
		"DING":    {"DING", StatusDoing}, // as the vendor's own SDKs had it until 2024: no other status resembles it
	}
)

// spelled is a word as it is sent, and what it means.
type spelled[T any] struct {
	raw   string
	means T
}

// spelledTypes has both spellings of the MANUAL types.
func spelledTypes() map[string]spelled[Type] {
	all := map[string]spelled[Type]{}
	for _, t := range Types() {
		for _, spelling := range []string{SpellingOneN, SpellingTwoN} {
			raw := wireType(t, spelling)
			all[raw] = spelled[Type]{raw, t}
		}
	}
	return all
}

func readType(raw string) (string, Type) {
	if t, ok := types[raw]; ok {
		return t.raw, t.means
	}
	return raw, TypeUnknown
}

func readStatus(raw string) (string, Status) {
	if s, ok := statuses[raw]; ok {
		return s.raw, s.means
	}
	return raw, StatusUnknown
}
