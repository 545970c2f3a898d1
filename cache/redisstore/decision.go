package redisstore

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/access"
)

// storeDecisionScript stores a decision unless a rejection is stored that is not older than the acceptance. A decision is y or n, the
// milliseconds since 1970, a dot, and a checksum over the key and all of that.
var storeDecisionScript = redis.NewScript(`
local refused = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^n(%d+)'))
local accepted = tonumber(string.match(ARGV[1], '^y(%d+)'))
if refused and accepted and refused >= accepted then
	return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

func decisionKey(k access.Key) string {
	return "sg1:g:" + encodeKey(k.Credential[:]) + ":" + encodeKey(k.Scope[:])
}

// decisionLeaseKey is the key of the lease for checking an access. It is in the same slot of a cluster.
func decisionLeaseKey(k access.Key) string { return "sg1:{" + decisionKey(k) + "}:l" }

// LoadDecision returns the newest decision of the upstream about a credential, recorded by any replica, and false if Redis fails.
func (s *Store) LoadDecision(ctx context.Context, k access.Key) (access.Decision, bool) {
	result := s.Query(ctx, Query{Access: &k})
	return result.Decision, result.OK
}

// WaitForDecision waits, for a limited time, while another replica checks the same access. It passes each decision that it loads to accept,
// and false if Redis fails. Ok is the result of the last accept. End must be called in any case.
func (s *Store) WaitForDecision(ctx context.Context, k access.Key, accept func(access.Decision, bool) bool) (end func(), ok bool) {
	return s.waitForLease(ctx, decisionLeaseKey(k), func() Query { return Query{Access: &k} }, func(r Result) bool {
		return accept(r.Decision, r.OK)
	})
}

// decodeDecision returns the zero decision if there is none, or if it is corrupt.
func (s *Store) decodeDecision(key, value string) access.Decision {
	if value == "" {
		return access.Decision{}
	}
	text, _, _ := strings.Cut(value, ".")
	ms, err := strconv.ParseInt(text[min(1, len(text)):], 10, 64)
	at := time.UnixMilli(ms)
	switch {
	case err != nil || value != signDecision(key, text):
	case text[0] == 'y':
		return access.Decision{AcceptedAt: at}
	case text[0] == 'n':
		return access.Decision{RefusedAt: at}
	}
	s.unreadable.Add(1)
	return access.Decision{}
}

// signDecision appends the checksum, so that a decision that was copied to another key is rejected.
func signDecision(key, text string) string {
	return text + "." + strconv.FormatUint(uint64(crc32.Checksum([]byte(key+" "+text), castagnoli)), 36)
}

// StoreDecision stores an acceptance or a rejection in whole milliseconds. Acceptances are rounded down and rejections up, so that
// rounding never grants access.
func (s *Store) StoreDecision(ctx context.Context, k access.Key, d access.Decision, life time.Duration) {
	text := "y" + strconv.FormatInt(d.AcceptedAt.UnixMilli(), 10)
	if !d.RefusedAt.IsZero() {
		text = "n" + strconv.FormatInt(d.RefusedAt.UnixMilli()+1, 10)
	}
	key := decisionKey(k)
	_, _ = s.redis.Run(ctx, storeDecisionScript, []string{key}, signDecision(key, text), max(life, time.Minute).Milliseconds())
}
