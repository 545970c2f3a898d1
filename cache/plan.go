package cache

import "scalegraph/cache/access"

// action is the next step of a List call.
type action int

const (
	serve              action = iota // serve the rows
	serveAndRevalidate               // serve the rows, and fetch the stale ones in the background
	serveStale                       // serve the rows marked as stale, because the upstream fails
	lookInRedis                      // load the rows and the access from Redis, then plan again
	fetchBlocks                      // fetch missing blocks, then plan again
	checkAccess                      // fetch one block with the caller's own credential, which decides about its access, then plan again
	passThrough                      // pass the query to the source as it is
	fail                             // return the error
)

func (a action) String() string {
	return [...]string{"serve", "serve and revalidate", "serve stale", "look in Redis", "fetch blocks", "check access", "pass through", "fail"}[a]
}

// failure is how the last call of the upstream ended.
type failure int

const (
	noFailure      failure = iota
	upstreamFailed         // the upstream is unavailable: rows may be served instead
	requestFailed          // the caller was rejected, has left, or its query is invalid
)

// situation is the complete input of plan: the state of the log and of its cached rows, the caller's access, both as of now, and the
// previous actions of this List call.
type situation struct {
	rows       freshnessState // of the assembled response; stateMissing if it is not complete
	unjoinable bool           // fetching blocks would not complete it
	access     access.Level
	outdated   bool // another replica may have recorded a newer decision about the access

	noBlocks bool // the query must not be served from blocks
	bypass   bool // the caller does not accept cached rows that are not fresh
	redis    bool // there is a Redis, and the caller accepts decisions of other replicas

	redisReads int  // reads of rows in Redis
	nothingNew bool // the last read of Redis, since the last fetch, found nothing
	fetches    int
	failure    failure
}

const (
	// maxFetches bounds how often one List fetches missing blocks. If the log changes faster than that, the query is passed through.
	maxFetches = 2
	// maxRedisReads bounds how often one List reads rows in Redis: a second time if the first result shows which blocks to read.
	maxRedisReads = 2
)

// plan returns the next action. It depends on nothing but the situation.
func plan(s situation) action {
	granted := s.access == access.Granted
	switch {
	case s.failure != noFailure && s.mayServeIfError():
		return serveStale
	case s.failure != noFailure:
		return fail
	case s.noBlocks:
		return passThrough
	case s.redis && !s.nothingNew && (s.outdated || s.needsRedisRows()):
		return lookInRedis
	case granted && s.rows == stateFresh:
		return serve
	case granted && s.rows == stateStale:
		return serveAndRevalidate
	case s.unjoinable || s.fetches == maxFetches:
		return passThrough
	case !granted:
		return checkAccess
	}
	return fetchBlocks
}

// needsRedisRows reports whether rows are read in Redis, and not only the decision about the access.
func (s situation) needsRedisRows() bool {
	return !s.bypass && s.rows > stateStale && s.redisReads < maxRedisReads
}

// mayServeIfError reports whether the rows may be served if the upstream fails.
func (s situation) mayServeIfError() bool {
	return s.failure != requestFailed && !s.bypass && s.access != access.Denied && s.rows <= stateStaleIfError
}
