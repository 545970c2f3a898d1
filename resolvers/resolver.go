// Package resolvers answers GraphQL fields. It turns arguments into queries of package upstream, and what comes back into
// connections, ids and coded errors; it cannot tell whether anything is kept behind the interfaces that it asks.
package resolvers

import (
	"log/slog"

	"scalegraph/resolvers/loaders"
)

// Config is what the resolvers work with.
type Config struct {
	Pages      loaders.Pages
	Counts     loaders.Counts
	Feeds      loaders.Feeds
	Inventory  loaders.Inventory
	Executions loaders.Executions
	Changes    Changes // nil: subscriptions are rejected

	Region         string   // where a query names none
	Regions        []string // all known regions; Region counts as known also where it is not listed
	DefaultProject string   // if a query names none; empty: a query must name one
	Secret         string   // keys the checksum of cursors; empty: they have none

	Log *slog.Logger // takes faults of ours that no entry of errors tells of; default: nothing is logged
}

// Resolver is the root of all resolvers.
type Resolver struct {
	Config
	load    *loaders.Loader
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
	load := loaders.New(loaders.Sources{Pages: c.Pages, Counts: c.Counts, Feeds: c.Feeds, Inventory: c.Inventory, Executions: c.Executions})
	return &Resolver{Config: c, load: load, regions: regions}
}
