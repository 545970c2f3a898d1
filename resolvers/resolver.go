// Package resolvers resolves GraphQL fields. It converts arguments to queries of package upstream, and the results to connections, global
// ids and coded errors. It reads through the interfaces of Config, so it is independent of paging and caching.
package resolvers

import (
	"log/slog"

	"scalegraph/resolvers/loaders"
)

// Config configures a Resolver. Pages, Counts, Feeds, Inventory and Executions must be set.
type Config struct {
	Pages      loaders.Pages
	Counts     loaders.Counts
	Feeds      loaders.Feeds
	Inventory  loaders.Inventory
	Executions loaders.Executions
	Changes    Changes // nil: subscriptions are rejected

	Region         string   // if a query names none
	Regions        []string // all known regions; Region need not be among them
	DefaultProject string   // if a query names none; empty: a query must name one
	Secret         string   // keys the checksum of cursors; empty: they have none

	Log *slog.Logger // for internal errors that do not appear in the errors of a response; default: nothing is logged
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
