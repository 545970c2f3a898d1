package direct

import (
	"net/url"
	"slices"
	"sync"
	"time"
)

// pool keeps connections until they are needed again, at most so many and for so long.
type pool struct {
	most int
	life time.Duration

	mu   sync.Mutex
	idle []*conn // the one that was used last at the end
}

// take returns the connection that was used last, if it is as it was left; nil where there is none.
func (p *pool) take(to *url.URL) *conn {
	for {
		c := p.pop(to)
		if c == nil || c.silent() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop(to *url.URL) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range slices.Backward(p.idle) {
		if c.scheme == to.Scheme && c.host == to.Host {
			return p.drop(i)
		}
	}
	return nil
}

// put keeps a connection whose exchange is over, in the place of the one that is idle for longest where enough are kept.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= p.most {
		p.drop(0).close()
	}
	p.idle = append(p.idle, c)
	c.expiry.Reset(p.life)
}

// expire closes what was idle for too long.
func (p *pool) expire(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, c); i >= 0 {
		p.drop(i).close()
	}
}

// close closes all that is idle.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		p.drop(0).close()
	}
}

// drop takes out one of those that are idle.
func (p *pool) drop(i int) *conn {
	c := p.idle[i]
	c.expiry.Stop()
	p.idle = slices.Delete(p.idle, i, i+1)
	return c
}
