package observer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A form is how a response is delivered.
type form int

// The forms: one JSON document, or parts in one of the two dialects of incremental delivery.
const (
	plain form = iota
	deferred2022
	deferredV02
)

func (f form) accept() string {
	switch f {
	case deferred2022:
		return "multipart/mixed;deferSpec=20220824, application/json;q=0.5"
	case deferredV02:
		return "multipart/mixed;incrementalSpec=v0.2, application/json;q=0.5"
	}
	return "application/graphql-response+json"
}

// A client sends GraphQL requests to one replica.
type client struct {
	base string
	http *http.Client
}

const responseTimeout = time.Minute // of a client for one response; the server's own limit is 30 s

// do sends a query and returns its data, with deferred parts merged.
func (c client) do(ctx context.Context, query string, f form, data any) error {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", f.accept())
	req.Header.Set("X-Auth-Token", token)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	merged, err := read(resp, f)
	if err != nil {
		return err
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, data)
}

const token = "observer"

type object = map[string]any

// read returns the data of a response.
func read(resp *http.Response, f form) (any, error) {
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "multipart/mixed" {
		var whole object
		if err := json.NewDecoder(resp.Body).Decode(&whole); err != nil {
			return nil, fmt.Errorf("status %d: %w", resp.StatusCode, err)
		}
		return whole["data"], fault(whole)
	}
	if f == plain {
		return nil, errors.New("parts, though none were accepted")
	}
	return readParts(multipart.NewReader(resp.Body, params["boundary"]))
}

// readParts merges the parts of a response. The last part, and no other, has hasNext false.
func readParts(r *multipart.Reader) (any, error) {
	var data any
	pending := map[string][]any{}
	for n, more := 0, true; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) && !more {
			return data, nil
		}
		if err != nil {
			return nil, fmt.Errorf("after %d parts, hasNext %v: %w", n, more, err)
		}
		if !more {
			return nil, errors.New("a part after the last")
		}
		var p object
		if err := json.NewDecoder(part).Decode(&p); err != nil {
			return nil, fmt.Errorf("part %d: %w", n, err)
		}
		if err := fault(p); err != nil {
			return nil, err
		}
		if d, ok := p["data"]; ok {
			data = d
		}
		if err := merge(data, p, pending); err != nil {
			return nil, fmt.Errorf("part %d: %w", n, err)
		}
		more, _ = p["hasNext"].(bool)
		if !more && len(pending) > 0 {
			return nil, fmt.Errorf("the last part leaves %d pending", len(pending))
		}
	}
}

// merge adds the incremental parts of a payload of either dialect.
func merge(data any, payload object, pending map[string][]any) error {
	for _, p := range list(payload["pending"]) {
		id, _ := p["id"].(string)
		path, _ := p["path"].([]any)
		pending[id] = path
	}
	for _, in := range list(payload["incremental"]) {
		if err := fault(in); err != nil {
			return err
		}
		path, _ := in["path"].([]any)
		if id, ok := in["id"].(string); ok {
			root, known := pending[id]
			if !known {
				return fmt.Errorf("id %q is not pending", id)
			}
			sub, _ := in["subPath"].([]any)
			path = slices.Concat(root, sub)
		}
		at, err := follow(data, path)
		if err != nil {
			return err
		}
		more, _ := in["data"].(object)
		if err := overlay(at, more); err != nil {
			return fmt.Errorf("%v: %w", path, err)
		}
	}
	for _, c := range list(payload["completed"]) {
		if err := fault(c); err != nil {
			return err
		}
		id, _ := c["id"].(string)
		if _, known := pending[id]; !known {
			return fmt.Errorf("completed id %q is not pending", id)
		}
		delete(pending, id)
	}
	return nil
}

func list(v any) (all []object) {
	items, _ := v.([]any)
	for _, item := range items {
		o, _ := item.(object)
		all = append(all, o)
	}
	return all
}

func follow(data any, path []any) (object, error) {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			o, _ := data.(object)
			data = o[key]
		case float64:
			items, _ := data.([]any)
			if int(key) >= len(items) {
				return nil, fmt.Errorf("no item %v of path %v", key, path)
			}
			data = items[int(key)]
		}
	}
	o, ok := data.(object)
	if !ok {
		return nil, fmt.Errorf("no object at %v", path)
	}
	return o, nil
}

// overlay merges objects. A field that is there already must be the same, or an object or list to merge into.
func overlay(into, from object) error {
	for name, v := range from {
		old, there := into[name]
		if !there {
			into[name] = v
			continue
		}
		if err := same(old, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func same(old, v any) error {
	switch from := v.(type) {
	case object:
		if into, ok := old.(object); ok {
			return overlay(into, from)
		}
	case []any:
		if into, ok := old.([]any); ok && len(into) == len(from) {
			for i := range from {
				if err := same(into[i], from[i]); err != nil {
					return err
				}
			}
			return nil
		}
	default:
		if old == v {
			return nil
		}
	}
	return fmt.Errorf("was %v, is %v", old, v)
}

// A fieldError is the first entry of errors.
type fieldError struct{ code, message, path string }

func (e *fieldError) Error() string { return e.code + ": " + e.message + " at " + e.path }

func fault(payload object) error {
	errs := list(payload["errors"])
	if len(errs) == 0 {
		return nil
	}
	extensions, _ := errs[0]["extensions"].(object)
	code, _ := extensions["code"].(string)
	return &fieldError{code, fmt.Sprint(errs[0]["message"]), strings.Trim(fmt.Sprint(errs[0]["path"]), "[]")}
}
