package emulator

import (
	"net/http"
	"slices"
	"sync"
)

// Restriction is a right that a token lacks although it is valid.
type Restriction uint8

// The restrictions.
const (
	Unrestricted    Restriction = iota
	LacksRole                   // 403 AS.0011
	LacksPermission             // 400 AS.0031
	AccountFrozen               // 400 AS.8004
)

// grant is what one token may read.
type grant struct {
	projects    []string // empty: all
	restriction Restriction
}

// access knows tokens and keys.
type access struct {
	mu      sync.RWMutex
	tokens  map[string]grant
	revoked map[string]bool
	keys    map[string]*keyState
}

// AddToken lets a token read these projects; without any, all of them. A token that was revoked or restricted is whole again.
func (e *Emulator) AddToken(token string, projects ...string) {
	e.access.set(token, grant{projects: projects})
}

// RestrictToken takes a right from a token: it stays valid, and every call with it is refused as the restriction says.
func (e *Emulator) RestrictToken(token string, r Restriction) {
	e.access.mu.RLock()
	g := e.access.tokens[token]
	e.access.mu.RUnlock()
	g.restriction = r
	e.access.set(token, g)
}

// RevokeToken ends a token: the gateway calls it expired from now on, the service wrong.
func (e *Emulator) RevokeToken(token string) {
	e.access.mu.Lock()
	defer e.access.mu.Unlock()
	delete(e.access.tokens, token)
	if e.access.revoked == nil {
		e.access.revoked = map[string]bool{}
	}
	e.access.revoked[token] = true
}

func (a *access) set(token string, g grant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens == nil {
		a.tokens = map[string]grant{}
	}
	a.tokens[token] = g
}

// authenticate finds the grant of a request.
func (e *Emulator) authenticate(r *http.Request) (grant, *refusal) {
	if e.sw.Access == AccessOpen {
		return grant{}, nil
	}
	if signed(r) {
		return e.access.verify(r)
	}
	token := r.Header.Get("X-Auth-Token")
	e.access.mu.RLock()
	defer e.access.mu.RUnlock()
	if g, ok := e.access.tokens[token]; ok && token != "" {
		return g, nil
	}
	return grant{}, e.unauthenticated(token)
}

// unauthenticated is the 401 of the place that checks tokens here.
func (e *Emulator) unauthenticated(token string) *refusal {
	no := func(code, message string) *refusal { return refuse(http.StatusUnauthorized, code, message) }
	switch {
	case e.sw.Refusal == ByService && token == "":
		return no("AS.0005", "The request carries no token.")
	case e.sw.Refusal == ByService:
		return no("AS.0006", "The token is wrong or has expired.")
	case token == "":
		return no("APIG.0301", "Incorrect IAM authentication information: x-auth-token not found")
	case e.access.revoked[token]:
		return no("APIG.0307", "The token must be updated")
	default:
		return no("APIG.0301", "Incorrect IAM authentication information: decrypt token fail")
	}
}

// authorize says whether a grant covers a project.
func (g grant) authorize(project string) *refusal {
	if len(g.projects) > 0 && !slices.Contains(g.projects, project) {
		return bad("AS.0008", "The project in the path is not the project of the token.")
	}
	switch g.restriction {
	case LacksRole:
		return refuse(http.StatusForbidden, "AS.0011", "The user has none of the roles that the call needs.")
	case LacksPermission:
		return bad("AS.0031", "The policy does not allow the action as:acivityLogs:list.")
	case AccountFrozen:
		return bad("AS.8004", "The resources of the account are frozen.")
	}
	return nil
}
