package emulator

import (
	"maps"
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

// grant is the access of one token.
type grant struct {
	projects    []string // empty: all
	enterprise  []string // enterprise projects whose groups are visible; nil: all
	restriction Restriction
	restricted  map[Call]Restriction
}

// access has the valid tokens and keys.
type access struct {
	mu      sync.RWMutex
	tokens  map[string]grant
	revoked map[string]bool
	keys    map[string]*keyState
}

// AddToken gives a token access to these projects, or to all if there are none. It removes earlier restrictions of the token.
func (e *Emulator) AddToken(token string, projects ...string) {
	e.access.change(token, func(g *grant) { *g = grant{projects: projects} })
}

// RestrictToken denies these calls to a token that stays valid, or all calls if there are none, with the error of the restriction.
// Unrestricted permits them again.
func (e *Emulator) RestrictToken(token string, r Restriction, calls ...Call) {
	e.access.change(token, func(g *grant) {
		if len(calls) == 0 {
			g.restriction, g.restricted = r, nil
			return
		}
		restricted := maps.Clone(g.restricted)
		if restricted == nil {
			restricted = map[Call]Restriction{}
		}
		for _, c := range calls {
			restricted[c] = r
		}
		g.restricted = restricted
	})
}

// LimitToken limits a token to the groups of these enterprise projects and their policies. Without any it has access to all groups again.
func (e *Emulator) LimitToken(token string, enterpriseProjects ...string) {
	e.access.change(token, func(g *grant) { g.enterprise = enterpriseProjects })
}

// change edits the grant of a token. A new token starts with an empty grant.
func (a *access) change(token string, edit func(*grant)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens == nil {
		a.tokens = map[string]grant{}
	}
	g := a.tokens[token]
	edit(&g)
	a.tokens[token] = g
}

// RevokeToken revokes a token: from now on the gateway reports it as expired, the service as invalid.
func (e *Emulator) RevokeToken(token string) {
	e.access.mu.Lock()
	defer e.access.mu.Unlock()
	delete(e.access.tokens, token)
	if e.access.revoked == nil {
		e.access.revoked = map[string]bool{}
	}
	e.access.revoked[token] = true
}

// authenticate returns the grant of a request.
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

// unauthenticated returns the 401 of the gateway or of the service, depending on Switches.Refusal.
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

// authorize reports why a grant does not cover a call; nil if it does.
func (g grant) authorize(t target) *refusal {
	if len(g.projects) > 0 && !slices.Contains(g.projects, t.project) {
		return bad("AS.0008", "The project in the path is not the project of the token.")
	}
	r := g.restriction
	if own, ok := g.restricted[t.call]; ok && r == Unrestricted {
		r = own
	}
	switch r {
	case LacksRole:
		return refuse(http.StatusForbidden, "AS.0011", "The user has none of the roles that the call needs.")
	case LacksPermission:
		return bad("AS.0031", "The policy does not allow the action "+actions[t.call]+".")
	case AccountFrozen:
		return bad("AS.8004", "The resources of the account are frozen.")
	}
	return nil
}

// sees reports whether a group is in an enterprise project of the grant.
func (g grant) sees(group Group) bool {
	return g.enterprise == nil || slices.Contains(g.enterprise, group.EnterpriseProject)
}
