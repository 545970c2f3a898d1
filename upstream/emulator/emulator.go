// Package emulator is an HTTP server for tests that implements these calls of Huawei Cloud AutoScaling with the checks and the irregularities
// of the documents (all GET, below /autoscaling-api):
//
//	/v2/{project}/scaling_activity_log/{group}          activity log
//	/v1/{project}/scaling_group                         groups
//	/v1/{project}/scaling_group/{group}                 one group
//	/v1/{project}/scaling_group_instance/{group}/list   instances
//	/v1, /v2/{project}/scaling_policy/{group}/list      policies of a group
//	/v2/{project}/scaling_policy                        policies of a project
//	/v1, /v2/{project}/scaling_policy/{policy}          one policy
//	/v1/{project}/scaling_policy_execute_log/{policy}   executions
//
// Sizes, is_scaling, activity_type and detail of a group follow from its instances and its activity log. The sections below are about the
// activity log; the switches of the other calls have their defaults in Switches. Without a switch: enterprise_project_id=all_granted_eps
// filters nothing, an unknown execute_type matches nothing, and groups and policies refuse paging with AS.1001 and AS.1002.
//
// It shares no code with the client of this project, so that a misreading of the documents is not repeated here. An Emulator holds the groups,
// logs and policies; Switches select the behaviour; Fault injects errors; Requests and OnResponse show the calls.
//
// # Documented behaviour
//
//   - Rows are sorted by the second of their start, newest first. Parameters start_number (0) and limit (20, at most 100) are echoed.
//   - total_number is the number of rows that match the filter. A page after the last row is empty.
//   - log_id, start_time, end_time, type (a comma list) and status filter together. Unknown parameters are ignored.
//   - Members have the order of the sample. The type determines the lists: MODIFY_ELB has those of load balancers, others those of instances.
//   - 400 AS.9001 start_time, AS.9002 end_time (yyyy-MM-ddThh:mm:ssZ and nothing else), AS.9003 start_number, AS.9004 limit, AS.9005 log_id,
//     AS.9012 type, AS.9013 status.
//   - 400 AS.2007 unknown group, AS.2009 empty group id, AS.0008 project of another token, AS.0031 right missing, AS.8004 account frozen.
//   - 403 AS.0011 role missing. 404 AS.0007 unknown path, AS.0033 unknown version, APIG.0101 nothing of the service. 405 any method but GET.
//   - 401 for tokens and for signatures (SDK-HMAC-SHA256). A clock that is off by over 15 minutes is rejected; over five failures lock a key for
//     five minutes.
//   - 429 APIG.0308 and all other statuses are injected by Fault, with each known form of an error body.
//   - X-Request-Id (32 hexadecimal digits) is in every response; the gateway repeats it in the body. Responses are compressed if the request
//     accepts gzip.
//
// # Undocumented behaviour
//
// There is a switch for each, the default is listed first:
//
//   - Window: start_time tests starts and end_time ends; both starts; both ends.
//   - DoingInWindow: a row without an end fails a test of ends; passes it.
//   - Bounds: inclusive; exclusive; half open.
//   - LimitZero: an empty page with a true total; the default of 20; 400 AS.9004.
//   - Ties (order inside one second): last inserted first; last inserted last; by id; random in every response.
//   - Spelling, FilterSpelling: MANNUAL in responses and filters; MANUAL; in filters either.
//   - UnknownFilter: 400; nothing matches (of several types, the known ones match).
//   - ScalingValue: a number; text.
//   - DoingEnd: end_time absent; null; "". Fractions: none; milliseconds.
//   - Lists: by type; empty ones null; []; absent. instance_standby_list belongs to the standby types.
//   - Refusal: 401 by the gateway; by the service.
//   - RetryAfter: absent; seconds; a date.
//   - Version: 404; 400.
//
// There is no evidence about the following, and no switch:
//
//   - The first value of a repeated parameter is used. An empty value is malformed, as is an empty item of a list of types.
//   - Numbers have decimal digits only and are at most 2147483647. Types and statuses are case-sensitive; status takes one value.
//   - end_time before start_time is an empty page.
//   - The order of checks: unknown service, method, credentials, version and path, project, rights, parameters (times, numbers, log_id, type,
//     status), group.
//   - Rows expire when Expire or ExpireBefore is called. A removed group is AS.2007.
//   - failed_details, instance_config and listener are arbitrary text. 405 has APIG.0101, the code of an unpublished method.
//   - A body of less than 256 bytes is not compressed.
package emulator

import (
	"iter"
	"net/http"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"scalegraph/upstream/emulator/inprocess"
)

// Emulator is an http.Handler for the documented calls. Its methods may be called concurrently.
type Emulator struct {
	sw     Switches
	access access
	record recorder
	ties   shuffler

	onRequest  atomic.Pointer[func(Request)]
	onResponse atomic.Pointer[func(Response)]
	fault      atomic.Pointer[func(*http.Request) *Fault]

	mu       sync.RWMutex // guards the fields below; a response is computed while it is held
	logs     map[place]*log
	policies map[place]*policyState // by project and policy id
	seq      uint64                 // changes so far
	history  *[]Change
}

// place identifies a group and its log.
type place struct{ project, group string }

// New returns an emulator without groups, tokens or faults.
func New(sw Switches) *Emulator {
	e := &Emulator{sw: sw, logs: map[place]*log{}, policies: map[place]*policyState{}, record: recorder{keep: maxRecorded}}
	e.ties.seed(sw.Seed)
	return e
}

// AddGroup adds a group with an empty log. It does nothing if the group exists.
func (e *Emulator) AddGroup(project, group string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.group(project, group)
}

// group returns the log of a group, and creates the group if it does not exist. The lock is held.
func (e *Emulator) group(project, group string) *log {
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok {
		l = newLog(e.sw.Ties)
		l.info, l.created = Group{ID: group}.normal(), e.seq
		e.logs[at] = l
		e.changed(GroupAdded, at, Row{})
	}
	return l
}

// RemoveGroup deletes a group with its log and policies, and reports whether it existed. Calls for it fail with 400 AS.2007 from now on.
func (e *Emulator) RemoveGroup(project, group string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	if _, ok := e.logs[at]; !ok {
		return false
	}
	delete(e.logs, at)
	e.removePolicies(at)
	e.changed(GroupRemoved, at, Row{})
	return true
}

// Insert adds rows with any start times, which determine their positions. A row with an existing id replaces that row; one without an id gets
// a new one. Insert creates the group if it does not exist.
func (e *Emulator) Insert(project, group string, rows ...Row) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, l := place{project, group}, e.group(project, group)
	entries := make([]*entry, len(rows))
	for i, r := range rows {
		if r.ID == "" {
			r.ID = DeriveID(project, group, e.seq)
		}
		entries[i] = newEntry(r)
		e.changed(Inserted, at, entries[i].row)
	}
	l.put(entries)
}

// Finish sets the status and the end of a row and reports whether the row existed. Its start and its position do not change.
func (e *Emulator) Finish(project, group, id, status string, end time.Time) bool {
	return e.Update(project, group, id, func(r *Row) { r.Status, r.End = status, end })
}

// Update changes a row and reports whether it existed. change must not change the id, and must replace slices and maps, not write to them.
func (e *Emulator) Update(project, group, id string, change func(*Row)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok || l.byID[id] == nil {
		return false
	}
	r := l.byID[id].row
	change(&r)
	r.ID = id
	changed := newEntry(r)
	l.replace(changed)
	e.changed(Updated, at, changed.row)
	return true
}

// Remove deletes a row at any position and reports whether it existed.
func (e *Emulator) Remove(project, group, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{project, group}
	l, ok := e.logs[at]
	if !ok || !l.remove(id) {
		return false
	}
	e.changed(Removed, at, Row{ID: id})
	return true
}

// Expire deletes the n oldest rows, as retention does, and returns the number of deleted rows.
func (e *Emulator) Expire(project, group string, n int) int {
	return e.expire(place{project, group}, func([]*entry) int { return n })
}

// ExpireBefore deletes the rows that started before t and returns their number.
func (e *Emulator) ExpireBefore(project, group string, t time.Time) int {
	return e.expire(place{project, group}, func(all []*entry) int {
		return sort.Search(len(all), func(i int) bool { return !all[i].row.Start.Before(t) })
	})
}

// expire deletes the oldest rows; count returns how many, given all rows from the oldest on.
func (e *Emulator) expire(at place, count func([]*entry) int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logs[at]
	if !ok {
		return 0
	}
	ids := l.oldest(count(l.rows(everything)))
	for _, id := range ids {
		l.remove(id)
		e.changed(Expired, at, Row{ID: id})
	}
	return len(ids)
}

// Indent formats the responses for the log of an existing group like the sample in the documents.
func (e *Emulator) Indent(project, group string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := e.logs[place{project, group}]; ok {
		l.pretty = true
	}
}

// Rows returns the rows of a group in the order of responses (newest first); nil if there is no such group or row.
func (e *Emulator) Rows(project, group string) []Row { return e.Match(project, group, Filter{}) }

// Match returns the rows of a group that match a filter, in the order of responses. With TiesUnstable, the rows of one second are sorted by
// insertion, last first.
func (e *Emulator) Match(project, group string, f Filter) []Row {
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, ok := e.logs[place{project, group}]
	if !ok {
		return nil
	}
	return newestFirst(l.match(f, e.sw))
}

// Each yields the id and the start of each row that Match would return, in the same order. The loop must not call the emulator.
func (e *Emulator) Each(project, group string, f Filter) iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		e.mu.RLock()
		defer e.mu.RUnlock()
		l, ok := e.logs[place{project, group}]
		if !ok {
			return
		}
		for _, entry := range slices.Backward(l.match(f, e.sw)) {
			if !yield(entry.row.ID, entry.row.Start) {
				return
			}
		}
	}
}

func newestFirst(entries []*entry) []Row {
	rows := make([]Row, len(entries))
	for i, e := range entries {
		rows[len(rows)-1-i] = e.row
	}
	return rows
}

// Transport returns a RoundTripper that calls e without a socket, for tests in a synctest bubble. A Fault that closes the connection is
// inprocess.ErrConnection, or io.ErrUnexpectedEOF from the body.
func (e *Emulator) Transport() http.RoundTripper { return inprocess.Transport(e) }
