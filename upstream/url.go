package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// baseURL parses the base URL of a region. It rejects a query, a fragment and credentials. Errors do not repeat the URL.
func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the cause has the URL, which may contain a password
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

// listURL returns the URL of a call for an activity log. It fails with ErrNotFound if project or group is not an id.
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
	if q.Filter.LogID != "" && !ValidID(q.Filter.LogID) {
		return nil, fmt.Errorf("%w: the log id is not an id", ErrRejected)
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

// maxID is the maximum length of an id in bytes.
const maxID = 64

// ValidID reports whether s can be the id of a group, project, activity, policy or instance: 1 to 64 characters of A-Z, a-z, 0-9, _ and -.
// Documented ids are UUIDs and 32 hex digits. Anything else in a path could become another path at a proxy.
func ValidID(s string) bool {
	return s != "" && len(s) <= maxID && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// segment returns an id as a path segment, and ErrNotFound if it is not an id.
func segment(id string) (string, error) {
	if !ValidID(id) {
		return "", fmt.Errorf("%w: %.40q is not an id", ErrNotFound, id)
	}
	return id, nil
}

// query returns the query of a call, its parameters sorted by name.
func query(q ListQuery, spelling string) string {
	b := make([]byte, 0, 64)
	set := func(name, value string) {
		if value == "" {
			return
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, name...), '='), strings.ReplaceAll(url.QueryEscape(value), "+", "%20")...) // a plus is a space only in forms
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
