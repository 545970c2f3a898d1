package app

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"scalegraph/internal/config"
	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// health is the state that /readyz reports. It is safe for concurrent use.
type health struct {
	serving  atomic.Bool              // false while starting and draining
	redis    *redisx.Client           // nil: off
	circuits func() map[string]string // each region's breaker: closed: it serves
	signing  func() upstream.Signing  // the state of our own keys; nil: there are none
	reached  func(region string) (tried, reached bool)
	demo     bool
}

func newHealth(cfg config.Config, api *API, redis *redisx.Client, instruments *instruments, demo *demoUpstream) *health {
	endpoints := upstreamConfig(cfg, nil).Endpoints
	return &health{
		redis: redis, circuits: api.client.Circuits, signing: api.client.Signing, demo: demo != nil,
		reached: func(region string) (tried, reached bool) {
			return instruments.upstream.Reached(hostOf(endpoints[region]))
		},
	}
}

// readiness is the body of /readyz. A part that fails is named but does not make the server unready: cached pages can still be served.
type readiness struct {
	Ready    bool              `json:"ready"`
	Upstream string            `json:"upstream"`             // ok; failing if a region fails; unknown if no region was tried yet
	Regions  map[string]string `json:"regions,omitempty"`    // the same for each, if there are several
	Redis    string            `json:"redis"`                // ok, failing, unknown (not tried yet) or off
	Cause    string            `json:"redisCause,omitempty"` // why it is failing, as redisx.Client.Cause
	Signing  *signing          `json:"signing,omitempty"`    // with keys of our own
	Demo     bool              `json:"demo,omitempty"`       // the upstream is the embedded demo
}

// signing is the state of our keys in /readyz.
type signing struct {
	State string     `json:"state"`                       // as upstream.Signing.State: ok, untried, refused, stopped, clock, unreadable
	Until *time.Time `json:"until,omitempty"`             // when signing is tried again, if it has stopped
	Clock float64    `json:"clockAheadSeconds,omitempty"` // how far our clock is ahead of the upstream's, if that is a minute or more
}

func signingStatus(s upstream.Signing) *signing {
	if s.State == upstream.SigningOff {
		return nil
	}
	state := &signing{State: s.State, Clock: s.Skew.Seconds()}
	if !s.Until.IsZero() {
		until := s.Until.UTC()
		state.Until = &until
	}
	return state
}

const (
	stateOK      = "ok"
	stateFailing = "failing"
	stateUnknown = "unknown"
)

// healthz serves /healthz: 200 while the process runs.
func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

// ready serves /readyz: 200 when requests can be served, 503 while starting or draining.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	r := h.read()
	if r.Ready {
		writeJSON(w, http.StatusOK, r)
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, r)
}

func (h *health) read() readiness {
	r := readiness{Ready: h.serving.Load(), Upstream: stateUnknown, Regions: map[string]string{}, Redis: h.redis.State(), Cause: h.redis.Cause(), Demo: h.demo}
	if h.signing != nil {
		r.Signing = signingStatus(h.signing())
	}
	for region, circuit := range h.circuits() {
		r.Regions[region] = h.regionState(region, circuit)
	}
	for _, state := range r.Regions {
		if state == stateFailing || r.Upstream == stateUnknown {
			r.Upstream = state
		}
	}
	if len(r.Regions) == 1 {
		r.Regions = nil
	}
	return r
}

// regionState returns unknown until the region was tried, and failing until it has responded at least once.
func (h *health) regionState(region, circuit string) string {
	tried, reached := h.reached(region)
	switch {
	case circuit != "closed", tried && !reached:
		return stateFailing
	case !tried:
		return stateUnknown
	}
	return stateOK
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only if the client is gone
}
