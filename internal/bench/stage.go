package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stage is everything that runs during a comparison.
type stage struct {
	options
	ctx   context.Context
	dir   string // for files of this comparison
	self  string // this program, for its roles
	parts map[string]*process
}

// newStage starts all parts.
func newStage(ctx context.Context, o options, dir string) (*stage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &stage{options: o, ctx: ctx, dir: dir, self: self, parts: map[string]*process{}}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) open() error {
	steps := []func() error{
		func() error { return s.role("upstream", "upstream") },
		func() error { return s.role("slow upstream", "upstream", "-delay", "50ms") },
		func() error { return s.role("plain", "plain") },
		func() error { return s.startProduct("product", "upstream") },
		func() error { return s.startProduct("product without caches", "upstream", "SCALEGRAPH_CACHE_MEMORY=0") },
		func() error { return s.startProduct("product far away", "slow upstream", "SCALEGRAPH_CACHE_MEMORY=0") },
		func() error {
			return s.startProduct("wide product far away", "slow upstream", "SCALEGRAPH_CACHE_MEMORY=0", "SCALEGRAPH_UPSTREAM_CONCURRENCY=400")
		},
		s.startTailcall,
		s.startRedis,
		s.startBare,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// close stops all parts.
func (s *stage) close() {
	for _, p := range s.parts {
		p.stop()
	}
}

// start starts a part of which argv makes the command line from the address that it shall listen on.
func (s *stage) start(name string, env func(address string) []string, argv func(address string) []string) error {
	address, err := freeAddress(s.ctx)
	if err != nil {
		return err
	}
	p, err := start(s.ctx, s.dir, name, address, env(address), argv(address)...)
	if err == nil {
		s.parts[name] = p
	}
	return err
}

func nothing(string) []string { return nil }

// role starts this program in one of its roles.
func (s *stage) role(name, role string, args ...string) error {
	return s.start(name, nothing, func(address string) []string {
		return append([]string{s.self, role, "-listen", address}, args...)
	})
}

// startProduct starts the product as it is by default but for where its upstream is, and for env.
func (s *stage) startProduct(name, upstream string, env ...string) error {
	return s.start(name, func(address string) []string { return s.productEnv(address, upstream, env...) },
		func(string) []string { return []string{s.product} })
}

func (s *stage) productEnv(address, upstream string, env ...string) []string {
	return append(env, "SCALEGRAPH_LISTEN="+address, "SCALEGRAPH_UPSTREAM=http://"+s.parts[upstream].address, "SCALEGRAPH_PROJECT="+project)
}

func (s *stage) startTailcall() error {
	config, err := os.ReadFile("internal/bench/tailcall/scalegraph.graphql")
	if err != nil {
		return err
	}
	const binary = "internal/bench/tailcall/node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall"
	name := filepath.Join(s.dir, "tailcall.graphql")
	return s.start("Tailcall", func(string) []string { return []string{"TAILCALL_TRACKER=false", "TAILCALL_LOG_LEVEL=error"} },
		func(address string) []string {
			_, port, _ := strings.Cut(address, ":")
			text := strings.NewReplacer("PORT", port, "UPSTREAM", "http://"+s.parts["upstream"].address).Replace(string(config))
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				return []string{"false"}
			}
			return []string{binary, "start", name}
		})
}

// startRedis starts Redis without persistence, and the product that keeps what it reads there and nowhere else.
func (s *stage) startRedis() error {
	err := s.start("Redis", nothing, func(address string) []string {
		_, port, _ := strings.Cut(address, ":")
		return []string{"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir}
	})
	if err != nil {
		return err
	}
	return s.startProduct("product over Redis", "upstream", "SCALEGRAPH_CACHE_MEMORY=0", "SCALEGRAPH_REDIS_URL=redis://"+s.parts["Redis"].address)
}

// startBare starts the handler that writes what the product answers.
func (s *stage) startBare() error {
	for name, body := range map[string]string{"eight": page(groupID(0), 20, eightFields), "every": page(groupID(0), 100, everyField)} {
		answer, err := ask(s.ctx, s.url("product"), body)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", name, len(answer))
		if err := os.WriteFile(filepath.Join(s.dir, name+".answer"), answer, 0o600); err != nil {
			return err
		}
	}
	return s.role("bare handler", "bare", "-dir", s.dir)
}

// url is where a part answers GraphQL.
func (s *stage) url(part string) string { return "http://" + s.parts[part].address + "/graphql" }

// load returns what drives a part with these bodies, once it has answered one of each kind right.
func (s *stage) load(name, url string, bodies []string) (load, error) {
	for _, body := range bodies[:min(len(bodies), 10)] {
		if _, err := ask(s.ctx, url, placeholder.ReplaceAllString(body, "$1")); err != nil {
			return load{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	file := filepath.Join(s.dir, strings.Map(fileRune, name)+".bodies")
	err := os.WriteFile(file, []byte(strings.Join(bodies, "\n")+"\n"), 0o600)
	return load{url: url, bodies: file, connections: s.connections, length: s.length}, err
}

func fileRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// run measures everything and prints it.
func (s *stage) run() error {
	began := time.Now()
	lines, err := s.lines()
	if err != nil {
		return err
	}
	if err := s.measure(lines); err != nil {
		return err
	}
	report(os.Stdout, lines)
	err = errors.Join(s.startTime(), s.memory(lines))
	fmt.Printf("\n%s\n", time.Since(began).Round(time.Second))
	return err
}
