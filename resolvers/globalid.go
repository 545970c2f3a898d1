package resolvers

import "scalegraph/upstream"

// A global id is base64url over: version, kind, region, project, group and, for an activity, log id.
const idVersion = 1

const (
	kindGroup    = 1
	kindActivity = 2
	kindProject  = 3
)

// object is what a global id names: a project if the group has no ID, else a group, or one of its activities if the log id is not empty.
type object struct {
	group upstream.Group
	logID string
}

// globalID returns the global id of an object.
func (o object) globalID() string {
	var raw [96]byte
	return opaque(o.append(raw[:0]))
}

func (o object) append(b []byte) []byte {
	switch {
	case o.group.ID == "" && o.logID == "":
		b = appendText(append(b, idVersion, kindProject), o.group.Region)
		return appendText(b, o.group.Project)
	case o.logID == "":
		return appendGroup(append(b, idVersion, kindGroup), o.group)
	}
	b = appendGroup(append(b, idVersion, kindActivity), o.group)
	return appendText(b, o.logID)
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
	if kind == kindActivity {
		o.logID = u.text()
	}
	ok = u.done() && version == idVersion && o.group.Project != "" && (o.group.ID != "" || kind == kindProject)
	return o, ok && string(o.append(nil)) == string(raw)
}
