package cache

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
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

func decisionKey(k accessKey) string {
	return "sg1:g:" + encodeKey(k.credential[:]) + ":" + encodeKey(k.scope[:])
}

// decisionLeaseKey is the key of the lease for checking an access. It is in the same slot of a cluster.
func decisionLeaseKey(k accessKey) string { return "sg1:{" + decisionKey(k) + "}:l" }

// loadDecision returns the newest decision of the upstream about a credential, recorded by any replica, and false if Redis fails.
func (s *store) loadDecision(ctx context.Context, k accessKey) (decision, bool) {
	result := s.query(ctx, redisQuery{access: &k})
	return result.decision, result.ok
}

// waitForDecision waits, for a limited time, while another replica checks the same access. It passes each decision that it loads to accept,
// and false if Redis fails. Ok is the result of the last accept. End must be called in any case.
func (s *store) waitForDecision(ctx context.Context, k accessKey, accept func(decision, bool) bool) (end func(), ok bool) {
	return s.waitForLease(ctx, decisionLeaseKey(k), func() redisQuery { return redisQuery{access: &k} }, func(r redisResult) bool {
		return accept(r.decision, r.ok)
	})
}

// decodeDecision returns the zero decision if there is none, or if it is corrupt.
func (s *store) decodeDecision(key, value string) decision {
	if value == "" {
		return decision{}
	}
	text, _, _ := strings.Cut(value, ".")
	ms, err := strconv.ParseInt(text[min(1, len(text)):], 10, 64)
	at := time.UnixMilli(ms)
	switch {
	case err != nil || value != signDecision(key, text):
	case text[0] == 'y':
		return decision{acceptedAt: at}
	case text[0] == 'n':
		return decision{refusedAt: at}
	}
	s.unreadable.Add(1)
	return decision{}
}

// signDecision appends the checksum, so that a decision that was copied to another key is rejected.
func signDecision(key, text string) string {
	return text + "." + strconv.FormatUint(uint64(crc32.Checksum([]byte(key+" "+text), castagnoli)), 36)
}

// storeDecision stores an acceptance or a rejection in whole milliseconds. Acceptances are rounded down and rejections up, so that
// rounding never grants access.
func (s *store) storeDecision(ctx context.Context, k accessKey, d decision, life time.Duration) {
	text := "y" + strconv.FormatInt(d.acceptedAt.UnixMilli(), 10)
	if !d.refusedAt.IsZero() {
		text = "n" + strconv.FormatInt(d.refusedAt.UnixMilli()+1, 10)
	}
	key := decisionKey(k)
	_, _ = s.redis.Run(ctx, storeDecisionScript, []string{key}, signDecision(key, text), max(life, time.Minute).Milliseconds())
}
