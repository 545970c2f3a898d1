package document

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
)

// QueryStore shares the texts of automatically persisted queries with other processes. A store that fails is one that has
// nothing: neither method reports why. Texts are at most Limits.Body long; the store must bound how many it keeps.
type QueryStore interface {
	Query(ctx context.Context, hash string) (text string, ok bool)
	KeepQuery(ctx context.Context, hash, text string)
}

// Persisted finds the texts of operations that a request names instead of sending. It is safe for concurrent use.
type Persisted struct {
	trusted     *Trusted // nil: none
	trustedOnly bool
	cache       *otter.Cache[string, string] // texts by hash
	shared      QueryStore                   // nil: none
}

// The cache of automatically persisted queries has at most 16384 texts, because each counts as 1 KiB at least.
const (
	maxQueryBytes    = 16 << 20
	minWeightOfQuery = 1 << 10
)

// NewPersisted returns the persisted documents of a configuration.
func NewPersisted(cfg Config) *Persisted {
	return &Persisted{
		trusted:     cfg.Trusted,
		trustedOnly: cfg.TrustedOnly,
		shared:      cfg.Queries,
		cache: otter.Must(&otter.Options[string, string]{
			MaximumWeight: maxQueryBytes,
			Weigher:       func(hash, text string) uint32 { return uint32(max(minWeightOfQuery, len(hash)+len(text))) },
		}),
	}
}

// Text returns the text of the operation: the one that the request sends, or the one that it names. Errors have codes.
func (p *Persisted) Text(ctx context.Context, params *graphql.RawParams) (string, *gqlerror.Error) {
	named, err := namesOf(params.Extensions)
	if err != nil {
		return "", err
	}
	if params.Query == "" {
		return p.find(ctx, named)
	}
	if named.hash != "" && hashOf(params.Query) != named.hash {
		return "", apierr.New(apierr.BadUserInput, "The hash of extensions.persistedQuery is not that of the query.")
	}
	if p.trustedOnly && !p.trusted.Has(params.Query) {
		return "", apierr.New(apierr.PersistedRejected, "PersistedQueryNotSupported: only trusted documents are run here.")
	}
	return params.Query, nil
}

// find looks a text up by the names that a request gives instead of it. The messages are those that clients look for.
func (p *Persisted) find(ctx context.Context, named names) (string, *gqlerror.Error) {
	if text, ok := p.trusted.find(named); ok {
		return text, nil
	}
	if named.hash == "" || p.trustedOnly {
		return "", apierr.New(apierr.PersistedNotFound, "PersistedQueryNotFound")
	}
	if text, ok := p.cache.GetIfPresent(named.hash); ok {
		return text, nil
	}
	if p.shared != nil {
		if text, ok := p.shared.Query(ctx, named.hash); ok && hashOf(text) == named.hash {
			p.cache.Set(named.hash, text)
			return text, nil
		}
	}
	return "", apierr.New(apierr.PersistedNotFound, "PersistedQueryNotFound")
}

// Register caches a text that the request sends together with its hash. The text must be a valid document.
func (p *Persisted) Register(ctx context.Context, params *graphql.RawParams) {
	named, err := namesOf(params.Extensions)
	if err != nil || named.hash == "" || params.Query == "" || p.trustedOnly {
		return
	}
	if _, known := p.cache.GetIfPresent(named.hash); known {
		return
	}
	p.cache.Set(named.hash, params.Query)
	if p.shared != nil {
		p.shared.KeepQuery(ctx, named.hash, params.Query)
	}
}

// names are how a request names its document: by the hash of an automatically persisted query, or by an id.
type names struct {
	hash string // SHA-256 in lower-case hexadecimal
	id   string
}

// IDExtension is the member of a request's extensions that has the id of a persisted document.
const IDExtension = "documentId"

func namesOf(extensions map[string]any) (names, *gqlerror.Error) {
	id, _ := extensions[IDExtension].(string)
	named := names{id: id}
	entry, given := extensions["persistedQuery"]
	if !given || entry == nil {
		return named, nil
	}
	apq, _ := entry.(map[string]any)
	version, _ := apq["version"].(json.Number)
	hash, _ := apq["sha256Hash"].(string)
	if hash = strings.ToLower(hash); version != "1" || !isHash(hash) {
		return names{}, apierr.New(apierr.BadUserInput, "extensions.persistedQuery must have version 1 and a sha256Hash of 64 hexadecimal digits.")
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
