package main

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// health tells whether the program can serve. It may be used by many goroutines.
type health struct {
	serving atomic.Bool // false while starting and draining
}

// readiness is what /readyz says. A part that fails is named but does not make the server unready: kept pages still serve.
type readiness struct {
	Ready    bool   `json:"ready"`
	Upstream string `json:"upstream"`
	Redis    string `json:"redis"`
}

// alive answers /healthz: 200 while the process lives.
func alive(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

// ready answers /readyz: 200 when requests can be served, 503 while starting or draining.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusServiceUnavailable
	if h.serving.Load() {
		status = http.StatusOK
	}
	answerJSON(w, status, readiness{Ready: status == http.StatusOK, Upstream: "ok", Redis: "off"})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only where the caller has gone
}
