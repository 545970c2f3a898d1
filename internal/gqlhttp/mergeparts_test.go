package gqlhttp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
)

// mergedResponse is a response as a client sees it once all parts have arrived.
type mergedResponse struct {
	Data   any
	Errors []replyError
}

// errorTexts returns the errors without regard to their order.
func (m mergedResponse) errorTexts() []string {
	var texts []string
	for _, err := range m.Errors {
		texts = append(texts, fmt.Sprint(err.Path, err.Message))
	}
	slices.Sort(texts)
	return texts
}

// deferredPart is one part in either dialect.
type deferredPart struct {
	mergedResponse
	Pending []struct {
		ID   string
		Path []any
	}
	Incremental []struct {
		ID      string
		Path    []any
		SubPath []any
		Data    any
		Errors  []replyError
	}
	Completed []struct {
		ID     string
		Errors []replyError
	}
	HasNext *bool
}

// readParts returns the bodies of a multipart response, or the body of any other.
func readParts(resp *http.Response) ([]string, error) {
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "multipart/mixed" {
		text, err := io.ReadAll(resp.Body)
		return []string{string(text)}, err
	}
	var bodies []string
	for r := multipart.NewReader(resp.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return bodies, nil
		}
		if err != nil {
			return bodies, err
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return bodies, err
		}
		bodies = append(bodies, string(text))
	}
}

// mergeParts merges as a client does, and returns an error for parts that no client could merge.
func mergeParts(bodies []string, v02 bool) (mergedResponse, error) {
	var whole mergedResponse
	pending := map[string][]any{}
	seen := map[string]bool{}
	for i, body := range bodies {
		var p deferredPart
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			return whole, err
		}
		if i == 0 {
			whole.Data = p.Data
		}
		if more := p.HasNext != nil && *p.HasNext; more != (i < len(bodies)-1) || p.HasNext == nil && len(bodies) > 1 {
			return whole, fmt.Errorf("part %d of %d has hasNext %v", i+1, len(bodies), more)
		}
		whole.Errors = append(whole.Errors, p.Errors...)
		for _, entry := range p.Pending {
			if seen[entry.ID] {
				return whole, fmt.Errorf("the id %s is announced twice", entry.ID)
			}
			seen[entry.ID], pending[entry.ID] = true, entry.Path
			if _, err := objectAt(whole.Data, entry.Path); err != nil && i == 0 {
				return whole, err
			}
		}
		for _, entry := range p.Incremental {
			path := entry.Path
			if v02 {
				announced, ok := pending[entry.ID]
				if !ok {
					return whole, fmt.Errorf("data for %q, which is not pending", entry.ID)
				}
				path = slices.Concat(announced, entry.SubPath)
			}
			whole.Errors = append(whole.Errors, entry.Errors...)
			if err := mergeAt(whole.Data, path, entry.Data); err != nil {
				return whole, err
			}
		}
		for _, entry := range p.Completed {
			if _, ok := pending[entry.ID]; !ok {
				return whole, fmt.Errorf("%q is completed, which is not pending", entry.ID)
			}
			delete(pending, entry.ID)
			whole.Errors = append(whole.Errors, entry.Errors...)
		}
	}
	if len(pending) > 0 {
		return whole, fmt.Errorf("still pending at the end: %v", pending)
	}
	return whole, nil
}

func objectAt(data any, path []any) (map[string]any, error) {
	for _, step := range path {
		switch at := data.(type) {
		case map[string]any:
			name, _ := step.(string)
			data = at[name]
		case []any:
			index, _ := step.(float64)
			if int(index) >= len(at) {
				return nil, fmt.Errorf("no entry at %v", path)
			}
			data = at[int(index)]
		}
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no object at %v", path)
	}
	return object, nil
}

func mergeAt(data any, path []any, part any) error {
	object, err := objectAt(data, path)
	if err != nil {
		return err
	}
	from, ok := part.(map[string]any)
	if !ok {
		return fmt.Errorf("the part for %v is no object", path)
	}
	return mergeObjects(object, from)
}

// mergeObjects merges deeply. A value that was there before must not change.
func mergeObjects(to, from map[string]any) error {
	for name, value := range from {
		old, there := to[name]
		if !there {
			to[name] = value
			continue
		}
		if err := mergeValues(old, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func mergeValues(old, value any) error {
	switch v := value.(type) {
	case map[string]any:
		if o, ok := old.(map[string]any); ok {
			return mergeObjects(o, v)
		}
	case []any:
		if o, ok := old.([]any); ok && len(o) == len(v) {
			for i := range v {
				if err := mergeValues(o[i], v[i]); err != nil {
					return err
				}
			}
			return nil
		}
	default:
		if old == value {
			return nil
		}
	}
	return errors.New("a value changes from part to part")
}
