package redisx

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"
)

// describe returns the first word of an error reply (NOAUTH, NOPERM, …), "timeout", or "unreachable".
func describe(err error) string {
	var reply redis.Error
	var netErr net.Error
	switch {
	case errors.As(err, &reply):
		if word, _, _ := strings.Cut(reply.Error(), " "); word == strings.ToUpper(word) && word != "ERR" {
			return word
		}
		return reply.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return "timeout"
	}
	return "unreachable"
}

// logStateChange logs the first opening of the breaker and its closing, not the attempts in between.
func (c *Client) logStateChange(e circuitbreaker.StateChangedEvent) {
	switch {
	case e.OldState == circuitbreaker.ClosedState && e.NewState == circuitbreaker.OpenState:
		cause := ""
		if last := c.cause.Load(); last != nil {
			cause = *last
		}
		c.log.Warn("Redis fails and is tried again every "+openFor.String(), "cause", cause)
	case e.NewState == circuitbreaker.ClosedState:
		c.log.Info("Redis works again")
	}
}

// deniedCommands are the commands that the server's access control list denies. The zero value is ready to use.
type deniedCommands struct {
	mu   sync.Mutex
	list []string // sorted
}

// record records which commands were denied and which succeeded, and logs the first denial of each.
func (d *deniedCommands) record(log *slog.Logger, cmds []redis.Cmder, err error) {
	denied := isDenied(err)
	if !denied && (err != nil || d.none()) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cmd := range cmds {
		i, known := slices.BinarySearch(d.list, cmd.Name())
		cmdDenied := denied && (cmd.Err() == nil && len(cmds) == 1 || isDenied(cmd.Err()))
		switch {
		case cmdDenied && !known:
			d.list = slices.Insert(d.list, i, cmd.Name())
			log.Warn("Redis denies a command; its access control list lacks what docs/redis.md names", "command", cmd.Name())
		case !cmdDenied && known:
			d.list = slices.Delete(d.list, i, i+1)
		}
	}
}

func (d *deniedCommands) none() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.list) == 0
}

func (d *deniedCommands) names() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.list, ", ")
}

// silent keeps go-redis from writing to stderr: failures are counted and logged here.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) }

// isDenied reports whether the server's access control list denies a command.
func isDenied(err error) bool { return err != nil && strings.Contains(err.Error(), "NOPERM") }
