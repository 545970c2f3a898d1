// Package scale estimates what a deployment needs for a number of daily users: replicas, upstream calls and memory of Redis. docs/scale.md explains
// the estimate and shows its results; the tests compare the parts that do not depend on the machine with a simulation.
package scale

import (
	"math"
	"time"
)

// Load describes what the users of a deployment do.
type Load struct {
	DailyUsers      int
	RequestsEach    float64 // requests of one user a day
	PeakFactor      float64 // requests in the busiest second, as a multiple of the day's mean
	Groups          int     // groups that somebody looks at in the busiest hour
	Rows            int     // rows of a group that are cached
	OwnCredentials  bool    // every user has a token of their own; otherwise all share one
	ConcurrentUsers float64 // share of the daily users that are there in the busiest minute
	GroupsEach      float64 // groups that one user looks at
}

// Costs are the measured constants of the estimate.
type Costs struct {
	CPU           time.Duration // of one request, with its share of garbage collection
	Cores         float64       // of one replica
	Utilisation   float64       // of the cores in the busiest second, so that a replica may fail
	Fresh         time.Duration // SCALEGRAPH_FRESH
	Grant         time.Duration // SCALEGRAPH_GRANT
	RowsOfBlock   int           // rows that a full block has for itself
	BytesOfBlock  int           // of a full block in Redis, keys and overhead included
	BytesOfAccess int           // of the access of one credential to one group in Redis
}

// Measured are the costs of this version with its default settings on the machine of docs/performance.md.
var Measured = Costs{
	CPU: 140 * time.Microsecond, Cores: 2, Utilisation: 0.5, Fresh: 5 * time.Second, Grant: time.Minute,
	RowsOfBlock: 94, BytesOfBlock: 14_000, BytesOfAccess: 250,
}

// Estimate is what a deployment needs in its busiest second.
type Estimate struct {
	Requests      float64 // a second
	Replicas      int
	UpstreamCalls float64 // a second, at most
	RedisBytes    float64
}

// Estimate returns what a load needs.
func (c Costs) Estimate(l Load) Estimate {
	e := Estimate{Requests: float64(l.DailyUsers) * l.RequestsEach * l.PeakFactor / (24 * time.Hour).Seconds()}
	e.Replicas = max(2, int(math.Ceil(e.Requests*c.CPU.Seconds()/(c.Cores*c.Utilisation))))
	pairs := c.pairs(l)
	e.UpstreamCalls = c.Calls(float64(l.Groups), pairs)
	blocks := math.Ceil(float64(l.Rows)/float64(c.RowsOfBlock)) + 1 // and the head, which is not full
	e.RedisBytes = float64(l.Groups)*blocks*float64(c.BytesOfBlock) + pairs*float64(c.BytesOfAccess)
	return e
}

// Calls returns the upstream calls a second, at most, of groups that are polled all the time: one for the head of each group when it has expired, and
// one for each pair of a credential and a group when its access has.
func (c Costs) Calls(groups, pairs float64) float64 {
	return groups/c.Fresh.Seconds() + pairs/c.Grant.Seconds()
}

// pairs returns the number of pairs of a credential and a group in the busiest minute.
func (c Costs) pairs(l Load) float64 {
	if !l.OwnCredentials {
		return float64(l.Groups)
	}
	return float64(l.DailyUsers) * l.ConcurrentUsers * l.GroupsEach
}
