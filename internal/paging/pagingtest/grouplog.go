package pagingtest

import (
	"testing"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Client returns a client of e that needs no socket. Its only region is named r. It is closed when the test ends.
func Client(t testing.TB, e *emulator.Emulator) *upstream.Client {
	t.Helper()
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: e.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// GroupLog is an emulator with one group. Consecutive rows of its log start one minute apart.
type GroupLog struct {
	*emulator.Emulator
	Group upstream.Group
	Epoch time.Time // start of row 0
	Next  int       // number of the next row
}

// NewGroupLog returns a log of n rows. Responses are never compressed; it overrides sw.Compression.
func NewGroupLog(group upstream.Group, epoch time.Time, n int, sw emulator.Switches) *GroupLog {
	sw.Compression = emulator.GzipNever
	l := &GroupLog{Emulator: emulator.New(sw), Group: group, Epoch: epoch}
	l.AddGroup(group.Project, group.ID)
	l.Grow(n)
	return l
}

// Grow adds n successful rows at the head.
func (l *GroupLog) Grow(n int) {
	rows := make([]emulator.Row, n)
	for i := range rows {
		rows[i] = l.Row(l.Next, emulator.Success)
		l.Next++
	}
	l.Insert(l.Group.Project, l.Group.ID, rows...)
}

// Row returns row n of the log. Its activity lasts one minute, or has not ended if the status is Doing.
func (l *GroupLog) Row(n int, status string) emulator.Row {
	start := l.Epoch.Add(time.Duration(n) * time.Minute)
	row := emulator.Row{ID: emulator.ID(n), Type: emulator.Normal, Status: status, Start: start}
	if status != emulator.Doing {
		row.End = start.Add(time.Minute)
	}
	return row
}
