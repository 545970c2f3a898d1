// Package resolvers answers GraphQL fields. It turns arguments into queries of package upstream, and what comes back into
// connections, ids and coded errors; it cannot tell whether anything is kept behind the interfaces that it asks.
package resolvers

import (
	"context"
	"log/slog"

	"scalegraph/upstream"
)

// Pages answers one page of a group's activity log: from a place, in a direction, so many rows, these sections.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// Counts answers how many rows of a group's activity log a filter lets through, without fetching them.
type Counts interface {
	Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error)
}

// Feeds answers one page of several logs merged into one. Where no group can be read, all are unavailable.
type Feeds interface {
	Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error)
}

// Config is what the resolvers work with.
type Config struct {
	Pages   Pages
	Counts  Counts
	Feeds   Feeds
	Changes Changes // nil: subscriptions are refused

	Inventory  Inventory
	Executions Executions

	Region         string   // where a query names none
	Regions        []string // all known regions; Region counts as known also where it is not listed
	DefaultProject string   // if a query names none; empty: a query must name one
	Secret         string   // keys the checksum of cursors; empty: they have none

	Log *slog.Logger // takes faults of ours that no entry of errors tells of; default: nothing is logged
}

// Resolver is the root of all resolvers.
type Resolver struct {
	Config
	regions map[string]bool
}

// New returns the root resolver.
func New(c Config) *Resolver {
	regions := map[string]bool{c.Region: true}
	for _, name := range c.Regions {
		regions[name] = true
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Resolver{Config: c, regions: regions}
}
