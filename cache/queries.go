package cache

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	queryLife = 24 * time.Hour // and up to an hour more; clients send a text again when it is gone
	maxQuery  = 32 << 10       // bytes of a text; longer ones are not shared
)

// Query returns the text that KeepQuery kept under a hash, through any replica, and false where there is none or Redis does
// not answer. Whether it is the text of that hash is the caller's to check.
func (l *Logs) Query(ctx context.Context, hash string) (text string, ok bool) {
	if l.store == nil {
		return "", false
	}
	cmd := redis.NewStringCmd(ctx, "get", queryKey(hash))
	if !l.store.ask(ctx, cmd) || cmd.Err() != nil {
		return "", false
	}
	return cmd.Val(), true
}

// KeepQuery shares the text of an operation with all replicas. How much Redis holds of them in all is bounded by its own memory
// policy.
func (l *Logs) KeepQuery(ctx context.Context, hash, text string) {
	if l.store == nil || len(text) > maxQuery {
		return
	}
	life := queryLife + rand.N(time.Hour)
	l.store.do(ctx, func(ctx context.Context) error {
		return l.store.rdb.Set(ctx, queryKey(hash), text, life).Err()
	})
}

func queryKey(hash string) string { return "sg1:q:" + hash }
