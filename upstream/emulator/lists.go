package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// item is an encoded entry of a list of groups, instances, policies or executions.
type item struct {
	id      string
	created time.Time
	seq     uint64 // order of creation
	json    []byte
}

// arrange sorts items by Switches.ListOrder.
func (e *Emulator) arrange(items []item) {
	switch e.sw.ListOrder {
	case OrderOldestFirst:
		slices.SortStableFunc(items, func(a, b item) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.seq, b.seq)) })
	case OrderByID:
		slices.SortStableFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) })
	case OrderUnstable:
		e.ties.shuffleAll(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	default:
		slices.SortStableFunc(items, func(a, b item) int { return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.seq, a.seq)) })
	}
}

// listing describes the response of a list call.
type listing struct {
	name                  string // of the list in the response
	offsetCode, limitCode string // of errors
	listFirst             bool   // whether the sample has the list before the totals
	offset, limit         int
	ordered               bool // whether the items are in order
}

// paging reads start_number and limit.
func (e *Emulator) paging(l listing, values url.Values, req *Request) (listing, *refusal) {
	l.offset, l.limit = 0, DefaultLimit
	if values.Has("start_number") {
		n, ok := natural(values.Get("start_number"))
		if !ok {
			return l, bad(l.offsetCode, "The start_number is invalid.")
		}
		l.offset = n
	}
	if values.Has("limit") {
		n, ok := e.readLimit(values.Get("limit"))
		if !ok {
			return l, bad(l.limitCode, "The limit is invalid.")
		}
		l.limit = n
	}
	e.record.update(func() { req.Offset, req.Limit = l.offset, l.limit })
	return l, nil
}

// respond returns the requested range of all matching items in an envelope. The lock is held.
func (e *Emulator) respond(l listing, items []item, req *Request) []byte {
	if !l.ordered {
		e.arrange(items)
	}
	total := len(items)
	from := min(l.offset, total)
	shown := items[from:min(from+l.limit, total)]
	e.recordResponse(req, total, func() []string { return idsOf(shown) })
	list := []byte{'['}
	for i, it := range shown {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, it.json...)
	}
	list = append(list, ']')
	var o object
	o.add("limit", l.limit)
	if l.listFirst {
		o.raw(l.name, list)
	}
	o.add("total_number", total)
	o.add("start_number", l.offset)
	if !l.listFirst {
		o.raw(l.name, list)
	}
	return o.bytes()
}

func idsOf(items []item) []string {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.id
	}
	return ids
}

// extend adds or replaces members of an encoded object. A nil value removes the member.
func extend(encoded []byte, extra map[string]json.RawMessage) []byte {
	if len(extra) == 0 {
		return encoded
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(encoded, &members); err != nil {
		return encoded
	}
	for name, value := range extra {
		if value == nil {
			delete(members, name)
			continue
		}
		members[name] = value
	}
	var o object
	for _, name := range slices.Sorted(maps.Keys(members)) {
		o.raw(name, members[name])
	}
	return o.bytes()
}

// single encodes the response of a call that shows one object.
func (e *Emulator) single(name, id string, encoded []byte, req *Request) []byte {
	e.recordResponse(req, 1, func() []string { return []string{id} })
	var o object
	o.raw(name, encoded)
	return o.bytes()
}

// missingMember adds a member without a value if Switches.Missing requires it. sampled is its form in the samples: null, or absent if empty.
func (e *Emulator) missingMember(o *object, name, sampled string) {
	switch {
	case e.sw.Missing == MissingNull, e.sw.Missing == MissingAsSampled && sampled == "null":
		o.raw(name, []byte("null"))
	}
}

// addOptional adds a text, or calls missingMember if it is empty.
func (e *Emulator) addOptional(o *object, name, text string) {
	if text == "" {
		e.missingMember(o, name, "null")
		return
	}
	o.add(name, text)
}

// fuzzy reports whether a name matches a fuzzy filter.
func (e *Emulator) fuzzy(name, part string) bool {
	switch e.sw.Fuzzy {
	case FuzzyAnyCase:
		return strings.Contains(strings.ToLower(name), strings.ToLower(part))
	case FuzzyPrefix:
		return strings.HasPrefix(name, part)
	default:
		return strings.Contains(name, part)
	}
}

// oneOf reads a parameter with a fixed set of values. ok is false if the value matches nothing, see UnknownEmpty.
func (e *Emulator) oneOf(values url.Values, name string, known []string, code string) (value string, ok bool, no *refusal) {
	if !values.Has(name) {
		return "", true, nil
	}
	value = values.Get(name)
	switch {
	case slices.Contains(known, value):
		return value, true, nil
	case value == "" || e.sw.UnknownFilter == UnknownRefused && code != "":
		return "", false, bad(code, "The "+name+" is invalid.")
	}
	return "", false, nil
}

// object builds a JSON object whose members have the order in which they are added.
type object struct {
	buf   []byte
	extra map[string]json.RawMessage // replaces the values of added members
}

func (o *object) add(name string, value any) {
	if raw, ok := o.extra[name]; ok {
		o.raw(name, raw)
		return
	}
	o.raw(name, marshal(value))
}

// raw adds a member with an encoded value; nil adds none.
func (o *object) raw(name string, value []byte) {
	if value == nil {
		return
	}
	o.buf = append(o.buf, ',')
	o.buf = strconv.AppendQuote(o.buf, name)
	o.buf = append(o.buf, ':')
	o.buf = append(o.buf, value...)
}

func (o *object) bytes() []byte {
	if len(o.buf) == 0 {
		return []byte("{}")
	}
	o.buf[0] = '{'
	return append(o.buf, '}')
}

// marshal is json.Marshal without the HTML escapes, which the samples do not have. It is for types of this package, whose encoding cannot fail.
func marshal(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func addText(o *object, name, text string) {
	if text == "" {
		o.raw(name, o.extra[name])
		return
	}
	o.add(name, text)
}
