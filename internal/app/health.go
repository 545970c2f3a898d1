package app

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// health tells whether the program can serve. It may be used by many goroutines.
type health struct {
	serving  atomic.Bool              // false while starting and draining
	redis    *redisx.Client           // nil: off
	circuits func() map[string]string // each region's breaker: closed where all is well
	signing  func() upstream.Signing  // how it goes with our own keys; nil: there are none
	reached  func(region string) (tried, reached bool)
	demo     bool
}

// readiness is what /readyz says. A part that fails is named but does not make the server unready: kept pages still serve.
type readiness struct {
	Ready    bool              `json:"ready"`
	Upstream string            `json:"upstream"`             // ok; failing if a region fails; unknown if no region was tried yet
	Regions  map[string]string `json:"regions,omitempty"`    // the same for each, where there are several
	Redis    string            `json:"redis"`                // ok, failing, unknown (not tried yet) or off
	Cause    string            `json:"redisCause,omitempty"` // why it is failing, as redisx.Client.Cause
	Signing  *signing          `json:"signing,omitempty"`    // with keys of our own
	Demo     bool              `json:"demo,omitempty"`       // the upstream is the embedded demo
}

// signing is what /readyz says of our keys.
type signing struct {
	State string     `json:"state"`                       // as upstream.Signing has it: ok, untried, refused, stopped, clock, unreadable
	Until *time.Time `json:"until,omitempty"`             // when it is tried again, where it has stopped
	Clock float64    `json:"clockAheadSeconds,omitempty"` // by how many seconds our clock is ahead of the upstream's, where that is a minute or more
}

func readSigning(s upstream.Signing) *signing {
	if s.State == upstream.SigningOff {
		return nil
	}
	told := &signing{State: s.State, Clock: s.Skew.Seconds()}
	if !s.Until.IsZero() {
		until := s.Until.UTC()
		told.Until = &until
	}
	return told
}

const (
	stateOK      = "ok"
	stateFailing = "failing"
	stateUnknown = "unknown"
)

// alive answers /healthz: 200 while the process lives.
func alive(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

// ready answers /readyz: 200 when requests can be served, 503 while starting or draining.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	told := h.read()
	if told.Ready {
		answerJSON(w, http.StatusOK, told)
		return
	}
	answerJSON(w, http.StatusServiceUnavailable, told)
}

func (h *health) read() readiness {
	told := readiness{Ready: h.serving.Load(), Upstream: stateUnknown, Regions: map[string]string{}, Redis: h.redis.State(), Cause: h.redis.Cause(), Demo: h.demo}
	if h.signing != nil {
		told.Signing = readSigning(h.signing())
	}
	for region, circuit := range h.circuits() {
		told.Regions[region] = h.regionState(region, circuit)
	}
	for _, state := range told.Regions {
		if state == stateFailing || told.Upstream == stateUnknown {
			told.Upstream = state
		}
	}
	if len(told.Regions) == 1 {
		told.Regions = nil
	}
	return told
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

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only where the caller has gone
}
