package direct

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"time"
)

var ports = map[string]string{"http": "80", "https": "443"}

// dial connects to the server of a URL, and shakes hands where TLS is spoken.
func (t *Transport) dial(ctx context.Context, u *url.URL) (*conn, error) {
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	under, err := t.stock.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c := &conn{scheme: u.Scheme, host: u.Host, pool: &t.idle, head: t.stock.MaxResponseHeaderBytes}
	c.wire, err = newWire(under)
	if c.talk = c.wire; err == nil && u.Scheme == "https" {
		err = t.secure(ctx, c, u.Hostname())
	}
	if err != nil {
		_ = under.Close()
		return nil, err
	}
	c.limit = io.LimitedReader{R: c.talk}
	c.r, c.w = bufio.NewReaderSize(&c.limit, t.stock.ReadBufferSize), bufio.NewWriter(c.talk)
	c.expiry = time.AfterFunc(c.pool.life, func() { c.pool.expire(c) })
	return c, nil
}

// errHandshake has the words of net/http, which has no name for it.
var errHandshake = errors.New("TLS handshake timeout")

// secure has a connection speak TLS, as stock is set up to but for the protocol.
func (t *Transport) secure(ctx context.Context, c *conn, host string) error {
	cfg := &tls.Config{}
	if t.stock.TLSClientConfig != nil {
		cfg = t.stock.TLSClientConfig.Clone()
	}
	cfg.NextProtos = []string{"http/1.1"}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.stock.TLSHandshakeTimeout, errHandshake)
	defer cancel()
	talk := tls.Client(c.wire, cfg)
	if err := talk.HandshakeContext(ctx); err != nil {
		return endedOr(ctx, err)
	}
	c.talk = talk
	return nil
}
