package upstream

// The documented types and statuses by their spelling. Rows share the strings of these tables, so that a string that is repeated in every row
// exists once in memory.
var (
	types    = wireTypes()
	statuses = map[string]wireValue[Status]{
		"SUCCESS": {"SUCCESS", StatusSuccess},
		"FAIL":    {"FAIL", StatusFail},
		"DOING":   {"DOING", StatusDoing},
		"DING":    {"DING", StatusDoing}, // misspelt in the vendor's SDKs until 2024
	}
)

// wireValue is a value with its spelling in responses.
type wireValue[T any] struct {
	raw   string
	value T
}

// wireTypes returns the types in both spellings of MANUAL.
func wireTypes() map[string]wireValue[Type] {
	all := map[string]wireValue[Type]{}
	for _, t := range Types() {
		for _, spelling := range []string{SpellingOneN, SpellingTwoN} {
			raw := wireType(t, spelling)
			all[raw] = wireValue[Type]{raw, t}
		}
	}
	return all
}

func readType(raw string) (string, Type) {
	if t, ok := types[raw]; ok {
		return t.raw, t.value
	}
	return raw, TypeUnknown
}

func readStatus(raw string) (string, Status) {
	if s, ok := statuses[raw]; ok {
		return s.raw, s.value
	}
	return raw, StatusUnknown
}
