package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// baseURL reads a region's base URL. A query, a fragment or credentials in it are mistakes that would travel with every call.
func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the cause repeats the URL, and with it what may be a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("not an http or https URL")
	case u.Hostname() == "":
		return nil, errors.New("no host")
	case u.User != nil:
		return nil, errors.New("credentials do not belong in the URL")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("a query or fragment does not belong in the URL")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// listURL returns the URL of a call. Project and group come from strangers: whatever stands in them, the path keeps its shape.
func (r *region) listURL(q ListQuery, spelling string) (*url.URL, error) {
	if q.Limit < 1 || q.Limit > MaxLimit || q.Offset < 0 {
		return nil, fmt.Errorf("limit %d or offset %d is out of range", q.Limit, q.Offset)
	}
	project, err := segment(q.Group.Project)
	if err != nil {
		return nil, err
	}
	group, err := segment(q.Group.ID)
	if err != nil {
		return nil, err
	}
	u := *r.base
	u.Path = listPath(r.base.Path, q.Group.Project, q.Group.ID)
	u.RawPath = listPath(r.path, project, group)
	u.RawQuery = query(q, spelling)
	return &u, nil
}

func listPath(base, project, group string) string {
	return base + "/autoscaling-api/v2/" + project + "/scaling_activity_log/" + group
}

// segment escapes a path segment. What no escape can protect (proxies resolve %2E%2E as they do ..) can name no group either.
func segment(s string) (string, error) {
	if s == "" || s == "." || s == ".." {
		return "", fmt.Errorf("%w: %q is not an id", ErrNotFound, s)
	}
	return url.PathEscape(s), nil
}

// query is the query part of a call, its parameters sorted by name.
func query(q ListQuery, spelling string) string {
	b := make([]byte, 0, 64)
	set := func(name, value string) {
		if value == "" {
			return
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, name...), '='), strings.ReplaceAll(url.QueryEscape(value), "+", "%20")...) // a plus is a space in forms only
	}
	set("end_time", formatTime(q.Filter.EndTime))
	set("limit", strconv.Itoa(q.Limit))
	set("log_id", q.Filter.LogID)
	set("start_number", strconv.Itoa(q.Offset))
	set("start_time", formatTime(q.Filter.StartTime))
	set("status", string(q.Filter.Status))
	set("type", typeList(q.Filter.Types, spelling))
	return string(b)
}

func typeList(types []Type, spelling string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = wireType(t, spelling)
	}
	return strings.Join(names, ",")
}

func wireType(t Type, spelling string) string {
	if rest, ok := strings.CutPrefix(string(t), SpellingOneN+"_"); ok {
		return spelling + "_" + rest
	}
	return string(t)
}
