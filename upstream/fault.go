package upstream

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"scalegraph/upstream/wirejson"
)

// fault is what the body of an error says.
type fault struct {
	code      string // empty where there is none that is harmless to show
	message   string // as sent
	requestID string // empty where there is none that is harmless to show
}

// readFault reads the body of an error: the service's nested shape, the gateway's flat one, the flat one with an AS code,
// IAM's with a number for a code. Of anything else, HTML say, the whole text is the message.
func readFault(body string) fault {
	if !wirejson.Valid(body) {
		return fault{message: body}
	}
	var f fault
	f.take(gjson.Parse(body))
	if f.message == "" {
		f.message = body
	}
	return f
}

// take fills what is still empty from the members of v, and from an object called error below it.
func (f *fault) take(v gjson.Result) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "error_code", "code":
			f.code = first(f.code, token(value.String()))
		case "error_msg", "message", "title":
			f.message = first(f.message, value.String())
		case "request_id":
			f.requestID = first(f.requestID, token(value.String()))
		case "error":
			f.take(value)
		}
		return true
	})
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// token returns s where it is short and of harmless characters, as a code or an id is; else nothing. It goes on to
// clients, and neither a body nor a header may carry anything else there.
func token(s string) string {
	if len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:", r)
	}) {
		return ""
	}
	return s
}

// printable makes a text fit for one line of a log: shortened, without control characters, without the secret. Where a gateway
// refuses a signature it repeats what it computed, security token and all; that is cut off.
func printable(s, secret string) string {
	const most = 300
	s, _, _ = strings.Cut(s, "canonicalRequest")
	if secret != "" {
		s = strings.ReplaceAll(s, secret, "[token]")
	}
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return r != utf8.RuneError && !unicode.IsPrint(r) || r == ' '
	}), " ")
}
