package cache

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// setVerdictScript stores a verdict unless a refusal is stored that is not older than the acceptance. A verdict is y or n, the
// milliseconds since 1970, a dot, and a checksum over the key and all of that.
var setVerdictScript = redis.NewScript(`
local refused = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^n(%d+)'))
local accepted = tonumber(string.match(ARGV[1], '^y(%d+)'))
if refused and accepted and refused >= accepted then
	return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

func grantName(k grantKey) string { return "sg1:g:" + name(k.who[:]) + ":" + name(k.what[:]) }

// grantLease is the lease of who proves a right, in the same slot of a cluster.
func grantLease(k grantKey) string { return "sg1:{" + grantName(k) + "}:l" }

// verdict looks up what the upstream said to a credential last, through any replica. It is false where Redis does not answer.
func (s *store) verdict(ctx context.Context, k grantKey) (verdict, bool) {
	out := s.look(ctx, sought{grant: &k})
	return out.verdict, out.answered
}

// readVerdict reads what setVerdict kept; the zero verdict where nothing is, or nothing that can be read.
func (s *store) readVerdict(key, value string) verdict {
	if value == "" {
		return verdict{}
	}
	text, _, _ := strings.Cut(value, ".")
	ms, err := strconv.ParseInt(text[min(1, len(text)):], 10, 64)
	at := time.UnixMilli(ms)
	switch {
	case err != nil || value != signVerdict(key, text):
	case text[0] == 'y':
		return verdict{yes: at}
	case text[0] == 'n':
		return verdict{no: at}
	}
	s.counters.unreadable.Add(1)
	return verdict{}
}

// signVerdict appends the checksum, so that a verdict that stands under another key is not read.
func signVerdict(key, text string) string {
	return text + "." + strconv.FormatUint(uint64(crc32.Checksum([]byte(key+" "+text), castagnoli)), 36)
}

// setVerdict keeps a yes or a no, in whole milliseconds: a yes is rounded down and a no up, which errs on the side of asking.
func (s *store) setVerdict(ctx context.Context, k grantKey, v verdict, life time.Duration) {
	text := "y" + strconv.FormatInt(v.yes.UnixMilli(), 10)
	if !v.no.IsZero() {
		text = "n" + strconv.FormatInt(v.no.UnixMilli()+1, 10)
	}
	key := grantName(k)
	_, _ = s.redis.Run(ctx, setVerdictScript, []string{key}, signVerdict(key, text), max(life, time.Minute).Milliseconds())
}
