package auth

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

// calmFor is how long an answer of the issuer is given again to who asks the same.
const calmFor = 5 * time.Second

// maxAnswer bounds an issuer's answer, in bytes.
const maxAnswer = 1 << 20

// calm gives an answer again for a while. Every token that names an unknown key makes us ask the issuer for its keys, and tokens come
// from strangers.
type calm struct {
	next http.RoundTripper

	mu    sync.Mutex
	heard map[string]heard // by URL; there are two
}

type heard struct {
	resp *http.Response
	body []byte
	at   time.Time
}

func (c *calm) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	url := req.URL.String()
	if h, ok := c.heard[url]; ok && time.Since(h.at) < calmFor {
		return h.again(req), nil
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	h := heard{resp, body, time.Now()}
	if resp.StatusCode == http.StatusOK {
		if c.heard == nil {
			c.heard = map[string]heard{}
		}
		c.heard[url] = h
	}
	return h.again(req), nil
}

// CloseIdleConnections is what http.Client looks for.
func (c *calm) CloseIdleConnections() { (&http.Client{Transport: c.next}).CloseIdleConnections() }

func (h heard) again(req *http.Request) *http.Response {
	resp := *h.resp
	resp.Header, resp.Request, resp.Body = h.resp.Header.Clone(), req, io.NopCloser(bytes.NewReader(h.body))
	return &resp
}
