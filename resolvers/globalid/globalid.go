// Package globalid encodes the ids of the interface Node: base64url over version, kind, region, project and, as far as the kind has them, group,
// policy and log id. One object has one id, which never changes.
package globalid

import (
	"scalegraph/resolvers/opaque"
	"scalegraph/upstream"
)

const version = 1

// The kinds of objects.
const (
	kindGroup     = 1
	kindActivity  = 2
	kindProject   = 3
	kindPolicy    = 4
	kindExecution = 5
)

// Object identifies an object: a project if Group has no ID; else a group, or with a log id one of its activities; or a policy of the group,
// or with a log id one of the policy's executions.
type Object struct {
	Group    upstream.Group
	PolicyID string
	LogID    string
}

func (o Object) kind() byte {
	switch {
	case o.PolicyID != "" && o.LogID != "":
		return kindExecution
	case o.PolicyID != "":
		return kindPolicy
	case o.LogID != "":
		return kindActivity
	case o.Group.ID == "":
		return kindProject
	}
	return kindGroup
}

// ID returns the id of the object.
func (o Object) ID() string {
	var raw [96]byte
	return opaque.Encode(o.append(raw[:0]))
}

func (o Object) append(b []byte) []byte {
	kind := o.kind()
	b = append(b, version, kind)
	if kind == kindProject {
		b = opaque.AppendText(b, o.Group.Region)
		return opaque.AppendText(b, o.Group.Project)
	}
	b = opaque.AppendGroup(b, o.Group)
	if kind == kindPolicy || kind == kindExecution {
		b = opaque.AppendText(b, o.PolicyID)
	}
	if kind == kindActivity || kind == kindExecution {
		b = opaque.AppendText(b, o.LogID)
	}
	return b
}

// Parse returns the object of an id; false if the id is not one that ID returns.
func Parse(id string) (Object, bool) {
	raw, ok := opaque.Decode(id)
	if !ok {
		return Object{}, false
	}
	in := opaque.NewReader(raw)
	v, kind := in.Byte(), in.Byte()
	o := Object{Group: upstream.Group{Region: in.Text(), Project: in.Text()}}
	if kind != kindProject {
		o.Group.ID = in.Text()
	}
	if kind == kindPolicy || kind == kindExecution {
		o.PolicyID = in.Text()
	}
	if kind == kindActivity || kind == kindExecution {
		o.LogID = in.Text()
	}
	ok = in.Done() && v == version && o.Group.Project != "" && (o.Group.ID != "" || kind == kindProject)
	return o, ok && string(o.append(nil)) == string(raw)
}

// Activities encodes the ids of activities. The part that activities of the same group share is encoded once while they follow one another. The
// zero value is ready; it is not safe for concurrent use.
type Activities struct {
	group  upstream.Group
	prefix []byte // of every id of that group; nil: none was encoded yet
}

// ID returns the id of an activity.
func (e *Activities) ID(row *upstream.Activity) string {
	if e.prefix == nil || e.group != row.Group {
		e.group = row.Group
		e.prefix = opaque.AppendGroup(append(make([]byte, 0, 96), version, kindActivity), row.Group)
	}
	return opaque.Encode(opaque.AppendText(e.prefix, row.LogID))
}
