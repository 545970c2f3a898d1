package pagestest

import (
	"testing"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Client asks e without a socket until the test ends. To it e is the region r.
func Client(t testing.TB, e *emulator.Emulator) *upstream.Client {
	t.Helper()
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: e.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// GroupLog is an emulator with one group, whose log grows by a row a minute.
type GroupLog struct {
	*emulator.Emulator
	Group upstream.Group
	Epoch time.Time // start of row 0
	Next  int       // number of the next row
}

// NewGroupLog returns a log of n rows. Answers are not compressed, whatever the switches say.
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

// Row returns row n of such a log. It takes a minute, or still runs where the status is Doing.
func (l *GroupLog) Row(n int, status string) emulator.Row {
	start := l.Epoch.Add(time.Duration(n) * time.Minute)
	row := emulator.Row{ID: emulator.ID(n), Type: emulator.Normal, Status: status, Start: start}
	if status != emulator.Doing {
		row.End = start.Add(time.Minute)
	}
	return row
}
