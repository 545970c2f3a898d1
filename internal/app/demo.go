package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"scalegraph/internal/config"
	"scalegraph/internal/telemetry"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/demo"
	"scalegraph/web"
)

// demoUpstream is the embedded emulator that serves as the upstream of the demo. It is nil if the upstream is a real one.
type demoUpstream struct {
	*demo.Demo
}

// startDemo starts the embedded upstream if cfg selects it, and returns cfg with its URL and project. Otherwise it returns cfg unchanged and
// nil. The caller must call stop.
func startDemo(ctx context.Context, cfg config.Config) (config.Config, *demoUpstream, error) {
	if !cfg.Demo() {
		return cfg, nil, nil
	}
	d := &demoUpstream{demo.New(demo.Options{})}
	url, err := d.Start(context.WithoutCancel(ctx)) // requests in flight still need it when ctx ends
	if err != nil {
		return cfg, nil, err
	}
	cfg.Upstream = url
	if cfg.Project == "" {
		cfg.Project = demo.Project
	}
	return cfg, d, nil
}

// token returns the token for requests without one; empty if d is nil.
func (d *demoUpstream) token() string {
	if d == nil {
		return ""
	}
	return demo.Token
}

// acceptKeys makes the demo accept requests signed with the present keys. It does nothing if d or keys is nil.
func (d *demoUpstream) acceptKeys(keys upstream.KeySource) error {
	if d == nil || keys == nil {
		return nil
	}
	now, err := keys()
	if err == nil {
		d.AddKey(emulator.Key{AK: now.Access, SK: now.Secret, SecurityToken: now.SecurityToken})
	}
	return err
}

// stop stops the emulator. It does nothing if d is nil.
func (d *demoUpstream) stop(log *slog.Logger) {
	if d == nil {
		return
	}
	if err := d.Close(); err != nil {
		log.Warn("the demo did not stop cleanly", "error", err)
	}
}

// groups returns the ids of four groups for the printed examples.
func (d *demoUpstream) groups() []string {
	return d.Groups()[:4]
}

// drainDelay returns how long requests are served after SIGTERM. It is 0 for the demo on a terminal, so that Ctrl-C is instant.
func drainDelay(cfg config.Config, demo *demoUpstream, out io.Writer) time.Duration {
	if demo != nil && telemetry.IsTerminal(out) {
		return 0
	}
	return cfg.DrainDelay
}

// withDemoHeader marks every response of the demo, so that its data cannot be mistaken for those of a cloud. It returns h if d is nil.
func withDemoHeader(h http.Handler, d *demoUpstream) http.Handler {
	if d == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Scalegraph-Demo", "true")
		h.ServeHTTP(w, r)
	})
}

// settings returns the token and groups of the demo for the pages; the zero Settings for a real upstream.
func (d *demoUpstream) settings() web.Settings {
	if d == nil {
		return web.Settings{}
	}
	settings := web.Settings{Demo: true, Token: d.token()}
	for _, id := range d.Groups() {
		settings.Groups = append(settings.Groups, web.Group{ID: id, Name: d.Name(id)})
	}
	return settings
}
