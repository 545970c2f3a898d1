package resolvers

import "scalegraph/upstream"

// A global id is base64url over: version, kind, region, project and, as far as the kind has them, group, policy and log id.
const idVersion = 1

const (
	kindGroup     = 1
	kindActivity  = 2
	kindProject   = 3
	kindPolicy    = 4
	kindExecution = 5
)

// object is what a global id names: a project if the group has no ID; else a group, or with a log id one of its activities; or a policy of the
// group, or with a log id one of the policy's executions.
type object struct {
	group    upstream.Group
	policyID string
	logID    string
}

func (o object) kind() byte {
	switch {
	case o.policyID != "" && o.logID != "":
		return kindExecution
	case o.policyID != "":
		return kindPolicy
	case o.logID != "":
		return kindActivity
	case o.group.ID == "":
		return kindProject
	}
	return kindGroup
}

// globalID returns the global id of an object.
func (o object) globalID() string {
	var raw [96]byte
	return opaque(o.append(raw[:0]))
}

func (o object) append(b []byte) []byte {
	kind := o.kind()
	b = append(b, idVersion, kind)
	if kind == kindProject {
		b = appendText(b, o.group.Region)
		return appendText(b, o.group.Project)
	}
	b = appendGroup(b, o.group)
	if kind == kindPolicy || kind == kindExecution {
		b = appendText(b, o.policyID)
	}
	if kind == kindActivity || kind == kindExecution {
		b = appendText(b, o.logID)
	}
	return b
}

func appendGroup(b []byte, g upstream.Group) []byte {
	b = appendText(b, g.Region)
	b = appendText(b, g.Project)
	return appendText(b, g.ID)
}

// A namer makes the ids of rows. What rows of the same group have in common is made once while they follow one another.
type namer struct {
	group upstream.Group
	raw   []byte // the beginning of every id of that group; nil: none was made
}

func (n *namer) idOf(row *upstream.Activity) string {
	if n.raw == nil || n.group != row.Group {
		n.group = row.Group
		n.raw = appendGroup(append(make([]byte, 0, 96), idVersion, kindActivity), row.Group)
	}
	return opaque(appendText(n.raw, row.LogID))
}

// readGlobalID takes only what globalID gives: one object has one id.
func readGlobalID(id string) (object, bool) {
	raw, ok := transparent(id)
	if !ok {
		return object{}, false
	}
	u := unpacker{raw, true}
	version, kind := u.byte(), u.byte()
	o := object{group: upstream.Group{Region: u.text(), Project: u.text()}}
	if kind != kindProject {
		o.group.ID = u.text()
	}
	if kind == kindPolicy || kind == kindExecution {
		o.policyID = u.text()
	}
	if kind == kindActivity || kind == kindExecution {
		o.logID = u.text()
	}
	ok = u.done() && version == idVersion && o.group.Project != "" && (o.group.ID != "" || kind == kindProject)
	return o, ok && string(o.append(nil)) == string(raw)
}
