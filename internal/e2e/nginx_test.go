package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"scalegraph/internal/testkit"
)

// nginxConfig is that of a load balancer which learns of a stopped replica by a failed connection, and then repeats the request at another one,
// a POST too, because no operation changes anything. %[1]s is a directory, %[2]s the address, %[3]s the servers, %[4]s the value of Connection.
const nginxConfig = `daemon off; pid %[1]s/pid; error_log %[1]s/errors; worker_processes 1; events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream replicas { %[3]s }
	map $http_upgrade $connection_header { default upgrade; '' %[4]s; }
	server {
		listen %[2]s;
		location / {
			proxy_pass http://replicas; proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_header;
			proxy_next_upstream error timeout non_idempotent;
		}
	}
}
`

// startNginx starts nginx in front of replicas and returns its base URL.
func startNginx(t *testing.T, keepAlive bool, replicas ...string) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	servers, connection := "", "close"
	for _, address := range replicas {
		servers += "server " + address + " max_fails=1 fail_timeout=1s; "
	}
	if keepAlive {
		servers, connection = servers+"keepalive 256;", "''"
	}
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "nginx.conf")
	allowEverybody(t, file)
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, address, servers, connection), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-e", dir+"/errors", "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(dir + "/errors")
			t.Logf("%.2000s", text)
		}
	})
	testkit.Eventually(t, "nginx answers", func() bool {
		resp, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + address
}

// freeAddress returns a loopback address that is not in use.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
