package gqlhttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// QueryStore shares the texts of automatically persisted queries with other processes. A store that fails is one that has
// nothing: neither method reports why. Texts are at most Limits.Body long; the store must bound how many it keeps.
type QueryStore interface {
	Query(ctx context.Context, hash string) (text string, ok bool)
	KeepQuery(ctx context.Context, hash, text string)
}

// persisted finds the texts of operations that a request names instead of sending. It may be used by many goroutines.
type persisted struct {
	trusted     *Trusted // nil: none
	trustedOnly bool
	kept        *otter.Cache[string, string] // texts by hash, in memory
	shared      QueryStore                   // nil: none
}

// The bounds of what is remembered of automatically persisted queries: 16 MiB, and 16384 texts because each counts as 1 KiB at least.
const (
	keptQueries = 16 << 20
	leastQuery  = 1 << 10
)

func newPersisted(cfg Config) *persisted {
	return &persisted{
		trusted:     cfg.Trusted,
		trustedOnly: cfg.TrustedOnly,
		shared:      cfg.Queries,
		kept: otter.Must(&otter.Options[string, string]{
			MaximumWeight: keptQueries,
			Weigher:       func(hash, text string) uint32 { return uint32(max(leastQuery, len(hash)+len(text))) },
		}),
	}
}

// text returns the text to run.
func (p *persisted) text(ctx context.Context, params *graphql.RawParams) (string, *gqlerror.Error) {
	named, err := namesOf(params.Extensions)
	if err != nil {
		return "", err
	}
	if params.Query == "" {
		return p.find(ctx, named)
	}
	if named.hash != "" && hashOf(params.Query) != named.hash {
		return "", errorf(codeBadUserInput, "The hash of extensions.persistedQuery is not that of the query.")
	}
	if p.trustedOnly && !p.trusted.has(params.Query) {
		return "", errorf(codeNotSupported, "PersistedQueryNotSupported: only trusted documents are run here.")
	}
	return params.Query, nil
}

// find looks a text up by the names that a request gives instead of it. The messages are those that clients look for.
func (p *persisted) find(ctx context.Context, named names) (string, *gqlerror.Error) {
	if text, ok := p.trusted.find(named); ok {
		return text, nil
	}
	if named.hash == "" || p.trustedOnly {
		return "", errorf(codeNotFound, "PersistedQueryNotFound")
	}
	if text, ok := p.kept.GetIfPresent(named.hash); ok {
		return text, nil
	}
	if p.shared != nil {
		if text, ok := p.shared.Query(ctx, named.hash); ok && hashOf(text) == named.hash {
			p.kept.Set(named.hash, text)
			return text, nil
		}
	}
	return "", errorf(codeNotFound, "PersistedQueryNotFound")
}

// keep remembers a text that the client registers. The caller has checked that it is a document we would run.
func (p *persisted) keep(ctx context.Context, params *graphql.RawParams) {
	named, err := namesOf(params.Extensions)
	if err != nil || named.hash == "" || params.Query == "" || p.trustedOnly {
		return
	}
	if _, known := p.kept.GetIfPresent(named.hash); known {
		return
	}
	p.kept.Set(named.hash, params.Query)
	if p.shared != nil {
		p.shared.KeepQuery(ctx, named.hash, params.Query)
	}
}

// names are how a request names its document: by the hash of an automatically persisted query, or by an id.
type names struct {
	hash string // SHA-256 in lower-case hexadecimal
	id   string
}

// documentID is where readParams puts documentId and doc_id, beside what the client sent as extensions.
const documentID = "documentId"

func namesOf(extensions map[string]any) (names, *gqlerror.Error) {
	id, _ := extensions[documentID].(string)
	named := names{id: id}
	entry, given := extensions["persistedQuery"]
	if !given || entry == nil {
		return named, nil
	}
	apq, _ := entry.(map[string]any)
	version, _ := apq["version"].(json.Number)
	hash, _ := apq["sha256Hash"].(string)
	if hash = strings.ToLower(hash); version != "1" || !isHash(hash) {
		return names{}, errorf(codeBadUserInput, "extensions.persistedQuery must have version 1 and a sha256Hash of 64 hexadecimal digits.")
	}
	named.hash = hash
	return named, nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
