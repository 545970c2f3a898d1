package gqlhttp

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// mostPlain bounds the texts that plain reads, in bytes, and so how deep they can nest: encoding/json refuses more than 10000.
const mostPlain = 8 << 10

// plain reads what nearly all clients send at a third of what encoding/json takes: an object with members of these names only, each once
// and of its type. It says the same as encoding/json, or false for anything else; then p may hold a part, and is not to be used.
func (p *parameters) plain(text []byte) bool {
	if len(text) > mostPlain || bytes.Contains(text, []byte(`\u`)) || !utf8.Valid(text) || !gjson.ValidBytes(text) {
		return false
	}
	object := gjson.ParseBytes(text)
	ok := object.IsObject()
	object.ForEach(func(name, value gjson.Result) bool {
		ok = ok && p.take(name.Str, value)
		return ok
	})
	return ok
}

// take reads one member. It is false for what it cannot read, and for what may have been read before.
func (p *parameters) take(name string, value gjson.Result) bool {
	switch name {
	case "query":
		return takeText(&p.Query, value)
	case "operationName":
		return takeText(&p.OperationName, value)
	case "documentId":
		return takeText(&p.DocumentID, value)
	case "doc_id":
		return takeText(&p.DocID, value)
	case "variables":
		return takeObject(&p.Variables, value)
	case "extensions":
		return takeObject(&p.Extensions, value)
	}
	return false
}

func takeText(to *string, value gjson.Result) bool {
	if value.Type == gjson.String && *to == "" {
		*to = strings.Clone(value.Str)
		return true
	}
	return value.Type == gjson.Null && *to == ""
}

func takeObject(to *map[string]any, value gjson.Result) bool {
	if value.IsObject() && *to == nil {
		*to = plainObject(value)
		return true
	}
	return value.Type == gjson.Null && *to == nil
}

func plainObject(value gjson.Result) map[string]any {
	object := map[string]any{}
	value.ForEach(func(name, member gjson.Result) bool {
		object[name.Str] = plainValue(member)
		return true
	})
	return object
}

// plainValue is what encoding/json makes of a value. It shares no memory with the text, as far as anybody keeps it: names of groups are parts of keys.
func plainValue(value gjson.Result) any {
	switch {
	case value.IsObject():
		return plainObject(value)
	case value.IsArray():
		list := []any{}
		value.ForEach(func(_, entry gjson.Result) bool {
			list = append(list, plainValue(entry))
			return true
		})
		return list
	case value.Type == gjson.String:
		return strings.Clone(value.Str)
	case value.Type == gjson.Number:
		return json.Number(strings.Clone(value.Raw))
	case value.Type == gjson.Null:
		return nil
	}
	return value.Type == gjson.True
}
