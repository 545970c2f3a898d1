// Package redistest starts real redis-server processes for tests. They persist nothing and end with the test.
package redistest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is one redis-server.
type Server struct {
	t    testing.TB
	Port int
	dir  string
	args []string
	cmd  *exec.Cmd
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL returns the address in the form of SCALEGRAPH_REDIS_URL.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Start starts one server. If there is no redis-server, the test is skipped, or fails if SCALEGRAPH_REQUIRE_REDIS is 1.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, "redis-server", args...)
}

func start(t testing.TB, program string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("SCALEGRAPH_REQUIRE_REDIS") == "1" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
	s := &Server{t: t, Port: freePort(t), dir: t.TempDir()}
	s.args = append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--protected-mode", "no"}, args...)
	t.Cleanup(s.Kill)
	s.run(program)
	return s
}

func (s *Server) run(program string) {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), program, s.args...) // Kill ends it, after the test's other clean-ups
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	Eventually(s.t, program+" listens", func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(s.t.Context(), "tcp", s.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// StartTLS starts a server for TLS connections, with the user that docs/redis.md describes. It returns the URL.
func StartTLS(t testing.TB) string {
	t.Helper()
	cert, key := selfSigned(t)
	port := strconv.Itoa(freePort(t))
	s := Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	s.DocumentedUser()
	s.Do("ACL", "SETUSER", "default", "off")
	return "rediss://scalegraph:password@127.0.0.1:" + port + "?ca_file=" + cert
}

// DocumentedUser adds the user of docs/redis.md and returns the URL for it.
func (s *Server) DocumentedUser() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", "redis.md"))
	for dir := ".."; err != nil && len(dir) < len("../../../.."); dir = filepath.Join("..", dir) { // a test runs in its package's folder
		text, err = os.ReadFile(filepath.Join(dir, "docs", "redis.md"))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "ACL" && words[1] == "SETUSER" {
			args := make([]any, len(words))
			for i, w := range words {
				args[i] = w
			}
			s.Do(args...)
			return "redis://scalegraph:password@" + s.Addr()
		}
	}
	s.t.Fatal("docs/redis.md describes no user")
	return ""
}

func selfSigned(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", cert), writePEM(t, "PRIVATE KEY", private)
}

func writePEM(t testing.TB, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Restart starts the server again, empty, on the port it had.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.run("redis-server")
}

// Kill ends the server at once. It may be called again.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Pause stops the process without closing connections, like a machine that swaps. Resume continues it.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Do sends one command and returns the reply.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: 2})
	defer func() { _ = rdb.Close() }()
	reply, err := rdb.Do(context.Background(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("%v: %v", args, err)
	}
	return reply
}

// Cluster starts three masters that serve all slots.
func Cluster(t testing.TB) []*Server {
	t.Helper()
	servers := make([]*Server, 3)
	for i := range servers {
		servers[i] = Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no",
			"--cluster-port", strconv.Itoa(freePort(t)))
	}
	const slots = 16384
	for i, s := range servers {
		s.Do("CLUSTER", "ADDSLOTSRANGE", i*slots/3, (i+1)*slots/3-1)
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
	}
	Eventually(t, "the cluster agrees", func() bool {
		for _, s := range servers[1:] { // on a busy machine this may time out
			if s.clusterSays("cluster_known_nodes:1\r") {
				s.Do("CLUSTER", "MEET", "127.0.0.1", servers[0].Port, servers[0].args[len(servers[0].args)-1])
			}
		}
		return !slices.ContainsFunc(servers, func(s *Server) bool {
			return !s.clusterSays("cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:3\r")
		})
	})
	return servers
}

// clusterSays reports whether the server's view of its cluster contains all of the words.
func (s *Server) clusterSays(all ...string) bool {
	info := fmt.Sprint(s.Do("CLUSTER", "INFO"))
	return !slices.ContainsFunc(all, func(part string) bool { return !strings.Contains(info, part) })
}

// ClusterURL returns the URL of all servers of a cluster.
func ClusterURL(servers []*Server) string {
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, s.Addr())
	}
	return "redis://" + strings.Join(addrs, ",")
}

// Watched is a master with one replica and a sentinel.
type Watched struct{ Master, Replica, Sentinel *Server }

// URL returns the address of the sentinel with the master's name.
func (w Watched) URL() string { return "redis://" + w.Sentinel.Addr() + "?master=kept" }

// Sentinel starts a master, a replica of it, and one sentinel, which can fail over alone.
func Sentinel(t testing.TB) Watched {
	t.Helper()
	master := Start(t)
	replica := Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.Port))
	Eventually(t, "the replica follows", func() bool {
		return strings.Contains(fmt.Sprint(replica.Do("INFO", "replication")), "master_link_status:up")
	})
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor kept 127.0.0.1 %d 1\nsentinel down-after-milliseconds kept 500\nsentinel failover-timeout kept 3000\n", master.Port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, Port: freePort(t), dir: t.TempDir()}
	s.args = []string{conf, "--sentinel", "--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.dir}
	t.Cleanup(s.Kill)
	s.run("redis-server")
	Eventually(t, "the sentinel knows the replica", func() bool {
		found, _ := s.Do("SENTINEL", "REPLICAS", "kept").([]any)
		return len(found) == 1
	})
	return Watched{master, replica, s}
}

// Eventually waits until done returns true, and fails the test after 20 s.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}

// freePort returns a port on which nothing listens. It is below those that systems give to connections, because one of these could take it before
// the server does, and drawn at random, so that tests of other packages that run at the same time draw others.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10_000 + mathrand.IntN(20_000)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
