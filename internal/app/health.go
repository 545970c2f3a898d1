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
}

// readiness is what /readyz says. A part that fails is named but does not make the server unready: kept pages still serve.
type readiness struct {
	Ready    bool              `json:"ready"`
	Upstream string            `json:"upstream"`             // ok, or failing where a region fails
	Regions  map[string]string `json:"regions,omitempty"`    // the same for each, where there are several
	Redis    string            `json:"redis"`                // ok, failing or off
	Cause    string            `json:"redisCause,omitempty"` // why it is failing, as redisx.Client.Cause
	Signing  *signing          `json:"signing,omitempty"`    // with keys of our own
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
	told := readiness{Ready: h.serving.Load(), Upstream: stateOK, Regions: map[string]string{}, Redis: h.redis.State(), Cause: h.redis.Cause()}
	if h.signing != nil {
		told.Signing = readSigning(h.signing())
	}
	for region, circuit := range h.circuits() {
		told.Regions[region] = stateOK
		if circuit != "closed" {
			told.Regions[region], told.Upstream = stateFailing, stateFailing
		}
	}
	if len(told.Regions) == 1 {
		told.Regions = nil
	}
	return told
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only where the caller has gone
}
