package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// stage has the processes of a comparison.
type stage struct {
	options
	ctx   context.Context
	dir   string // for files
	self  string // the path of this program, for its roles
	parts map[string]*process
}

// newStage starts all processes.
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
			return s.startProduct("wide product far away", "slow upstream", "SCALEGRAPH_CACHE_MEMORY=0", "SCALEGRAPH_UPSTREAM_CONCURRENCY=1600")
		},
		func() error { return s.startTailcall(10 * time.Minute) },
		s.startRedis,
		s.startBare,
		s.startNginx,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// close stops all processes.
func (s *stage) close() {
	for _, p := range s.parts {
		p.stop()
	}
}

// start starts a process. env and argv return its environment and its command line for the address at which it shall listen.
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

// startProduct starts the product with its defaults except for its upstream and env.
func (s *stage) startProduct(name, upstream string, env ...string) error {
	return s.start(name, func(address string) []string { return s.productEnv(address, upstream, env...) },
		func(string) []string { return []string{s.product} })
}

func (s *stage) productEnv(address, upstream string, env ...string) []string {
	return append(env, "SCALEGRAPH_LISTEN="+address, "SCALEGRAPH_UPSTREAM=http://"+s.parts[upstream].address, "SCALEGRAPH_PROJECT="+project)
}

const tailcallBinary = "internal/bench/tailcall/node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall"

// startTailcall starts Tailcall with a cache of that TTL, keyed by the caller's token. If it is not installed, its columns are missing.
func (s *stage) startTailcall(ttl time.Duration) error {
	if !installed(tailcallBinary) {
		fmt.Println("Tailcall is not installed and not measured; internal/bench/install installs it")
		return nil
	}
	config, err := os.ReadFile("internal/bench/tailcall/scalegraph.graphql")
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "tailcall.graphql")
	return s.start("Tailcall", func(string) []string { return []string{"TAILCALL_TRACKER=false", "TAILCALL_LOG_LEVEL=error"} },
		func(address string) []string {
			_, port, _ := strings.Cut(address, ":")
			values := strings.NewReplacer("PORT", port, "UPSTREAM", "http://"+s.parts["upstream"].address, "TTL", strconv.FormatInt(ttl.Milliseconds(), 10))
			if err := os.WriteFile(file, []byte(values.Replace(string(config))), 0o600); err != nil {
				return []string{"false"}
			}
			return []string{tailcallBinary, "start", file}
		})
}

// startRedis starts Redis without persistence, and a product that shares its pages there.
func (s *stage) startRedis() error {
	err := s.start("Redis", nothing, func(address string) []string {
		_, port, _ := strings.Cut(address, ":")
		return []string{"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir}
	})
	if err != nil {
		return err
	}
	return s.startProduct("first replica", "upstream", s.redisURL())
}

func (s *stage) redisURL() string { return "SCALEGRAPH_REDIS_URL=redis://" + s.parts["Redis"].address }

// startBare starts the handler that writes the same bytes as the product.
func (s *stage) startBare() error {
	for name, body := range map[string]string{"eight": page(groupID(0), 20, eightFields), "every": page(groupID(0), 100, everyField)} {
		response, err := post(s.ctx, s.url("product"), body)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", name, len(response))
		if err := os.WriteFile(filepath.Join(s.dir, name+".json"), response, 0o644); err != nil {
			return err
		}
	}
	return s.role("bare handler", "bare", "-dir", s.dir)
}

// installed reports whether a program, by its path or its name, can be started.
func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// nginxConfig serves files, which stay in the kernel's page cache, to any method.
const nginxConfig = `worker_processes auto;
pid DIR/nginx.pid;
error_log DIR/nginx-error.log;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  keepalive_requests 1000000000;
  client_body_temp_path DIR/nginx-body;
  types { application/json json; }
  server {
    listen ADDRESS;
    root DIR;
    error_page 405 =200 $uri;
  }
}
`

// startNginx starts nginx with the files of the bare handler, as the reference for the limit. If it is not installed, its columns are missing.
func (s *stage) startNginx() error {
	if !installed("nginx") {
		fmt.Println("nginx is not installed and not measured")
		return nil
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // its workers may run as another user
		return err
	}
	return s.start("nginx", nothing, func(address string) []string {
		config := filepath.Join(s.dir, "nginx.conf")
		text := strings.NewReplacer("DIR", s.dir, "ADDRESS", address).Replace(nginxConfig)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return []string{"false"}
		}
		return []string{"nginx", "-p", s.dir, "-c", config, "-g", "daemon off;"}
	})
}

// url returns the GraphQL endpoint of a part; empty if the part is not installed.
func (s *stage) url(part string) string {
	if s.parts[part] == nil {
		return ""
	}
	return "http://" + s.parts[part].address + "/graphql"
}

// fileURL returns the URL of a static response; empty if the part is not installed.
func (s *stage) fileURL(part, name string) string {
	if s.parts[part] == nil {
		return ""
	}
	return "http://" + s.parts[part].address + "/" + name + ".json"
}

// load returns a load with these bodies, after one request with each of the first ten has succeeded.
func (s *stage) load(name, url string, bodies []string) (load, error) {
	for _, body := range bodies[:min(len(bodies), 10)] {
		if _, err := post(s.ctx, url, placeholder.ReplaceAllString(body, "$1")); err != nil {
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
