package cache

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// say keeps a verdict unless a refusal is kept that is not older than the yes.
var say = redis.NewScript(`
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, 1, 1) == 'n' and string.sub(ARGV[1], 1, 1) == 'y'
	and tonumber(string.sub(kept, 2)) >= tonumber(string.sub(ARGV[1], 2)) then
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
func (s *store) readVerdict(text string) verdict {
	if text == "" {
		return verdict{}
	}
	ms, err := strconv.ParseInt(text[1:], 10, 64)
	at := time.UnixMilli(ms)
	switch {
	case err == nil && text[0] == 'y':
		return verdict{yes: at}
	case err == nil && text[0] == 'n':
		return verdict{no: at}
	}
	s.counters.unreadable.Add(1)
	return verdict{}
}

// setVerdict keeps a yes or a no, in whole milliseconds: a yes is rounded down and a no up, which errs on the side of asking.
func (s *store) setVerdict(ctx context.Context, k grantKey, v verdict, life time.Duration) {
	text := "y" + strconv.FormatInt(v.yes.UnixMilli(), 10)
	if !v.no.IsZero() {
		text = "n" + strconv.FormatInt(v.no.UnixMilli()+1, 10)
	}
	s.do(ctx, func(ctx context.Context) error {
		return say.Run(ctx, s.rdb, []string{grantName(k)}, text, max(life, time.Minute).Milliseconds()).Err()
	})
}
