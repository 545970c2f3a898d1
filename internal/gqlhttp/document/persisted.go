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

// QueryStore shares the texts of automatically persisted queries with other processes. Its methods report no errors: a store that fails
// behaves like an empty one. Texts are at most Limits.Body bytes long; the store must bound their number. It must be safe for
// concurrent use.
type QueryStore interface {
	Get(ctx context.Context, hash string) (text string, ok bool)
	Put(ctx context.Context, hash, text string)
}

// Persisted finds the texts of trusted documents and of automatically persisted queries by id or hash. It is safe for concurrent use.
type Persisted struct {
	trusted     *Trusted // nil: none
	trustedOnly bool
	cache       *otter.Cache[string, string] // texts by hash
	shared      QueryStore                   // nil: none
}

// Each text counts as at least 1 KiB, so the cache of automatically persisted queries has at most 16384 texts.
const (
	maxQueryBytes    = 16 << 20
	minWeightOfQuery = 1 << 10
)

// NewPersisted returns a Persisted with the trusted documents of cfg and an empty cache.
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

// Text returns the document of a request: its query, or the persisted text that it names. It rejects a hash that does not match the
// query and, if only trusted documents are allowed, other queries. Errors have codes.
func (p *Persisted) Text(ctx context.Context, params *graphql.RawParams) (string, *gqlerror.Error) {
	ref, err := parseDocumentRef(params.Extensions)
	if err != nil {
		return "", err
	}
	if params.Query == "" {
		return p.find(ctx, ref)
	}
	if ref.hash != "" && hashOf(params.Query) != ref.hash {
		return "", apierr.New(apierr.BadUserInput, "The hash of extensions.persistedQuery is not that of the query.")
	}
	if p.trustedOnly && !p.trusted.Has(params.Query) {
		return "", apierr.New(apierr.PersistedRejected, "PersistedQueryNotSupported: only trusted documents are run here.")
	}
	return params.Query, nil
}

// find looks a text up by its id or hash. Clients of automatically persisted queries compare the messages, so they must not change.
func (p *Persisted) find(ctx context.Context, ref documentRef) (string, *gqlerror.Error) {
	if text, ok := p.trusted.find(ref); ok {
		return text, nil
	}
	if ref.hash == "" || p.trustedOnly {
		return "", apierr.New(apierr.PersistedNotFound, "PersistedQueryNotFound")
	}
	if text, ok := p.cache.GetIfPresent(ref.hash); ok {
		return text, nil
	}
	if p.shared != nil {
		if text, ok := p.shared.Get(ctx, ref.hash); ok && hashOf(text) == ref.hash {
			p.cache.Set(ref.hash, text)
			return text, nil
		}
	}
	return "", apierr.New(apierr.PersistedNotFound, "PersistedQueryNotFound")
}

// Register caches the query of a request under the hash in its extensions, if it has one. The query must be a valid document.
func (p *Persisted) Register(ctx context.Context, params *graphql.RawParams) {
	ref, err := parseDocumentRef(params.Extensions)
	if err != nil || ref.hash == "" || params.Query == "" || p.trustedOnly {
		return
	}
	if _, known := p.cache.GetIfPresent(ref.hash); known {
		return
	}
	p.cache.Set(ref.hash, params.Query)
	if p.shared != nil {
		p.shared.Put(ctx, ref.hash, params.Query)
	}
}

// documentRef refers to a document by the hash of an automatically persisted query or by an id. Empty fields are unset.
type documentRef struct {
	hash string // SHA-256 in lower-case hexadecimal
	id   string
}

// IDExtension is the member of a request's extensions that has the id of a persisted document.
const IDExtension = "documentId"

func parseDocumentRef(extensions map[string]any) (documentRef, *gqlerror.Error) {
	id, _ := extensions[IDExtension].(string)
	ref := documentRef{id: id}
	entry, given := extensions["persistedQuery"]
	if !given || entry == nil {
		return ref, nil
	}
	apq, _ := entry.(map[string]any)
	version, _ := apq["version"].(json.Number)
	hash, _ := apq["sha256Hash"].(string)
	if hash = strings.ToLower(hash); version != "1" || !isHash(hash) {
		return documentRef{}, apierr.New(apierr.BadUserInput, "extensions.persistedQuery must have version 1 and a sha256Hash of 64 hexadecimal digits.")
	}
	ref.hash = hash
	return ref, nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
