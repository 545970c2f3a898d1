package redisx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// CheckURL returns an error if Open would reject the URL. The error never repeats the URL.
func CheckURL(text string) error {
	_, _, err := readURL(text)
	return err
}

// newClient returns the go-redis client for a URL. It connects on first use.
func newClient(text string, timeout time.Duration) (redis.UniversalClient, error) {
	opts, cluster, err := readURL(text)
	if err != nil {
		return nil, err
	}
	opts.ReadTimeout, opts.WriteTimeout, opts.PoolTimeout = timeout, timeout, timeout
	switch {
	case opts.MasterName != "":
		return redis.NewFailoverClient(opts.Failover()), nil
	case cluster:
		return redis.NewClusterClient(opts.Cluster()), nil
	}
	return redis.NewClient(opts.Simple()), nil
}

func readURL(text string) (opts *redis.UniversalOptions, cluster bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, false, errors.New("must be redis:// or rediss:// and at least one host")
	}
	opts = &redis.UniversalOptions{
		DialTimeout: time.Second, DialerRetries: 1,
		ContextTimeoutEnabled: true, MaxRetries: -1, DisableIdentity: true, Protocol: 2,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	opts.Username = u.User.Username()
	opts.Password, _ = u.User.Password()
	for _, host := range strings.Split(u.Host, ",") {
		if host = strings.TrimSpace(host); host != "" {
			opts.Addrs = append(opts.Addrs, withPort(host, u.Query().Get("master") != ""))
		}
	}
	if len(opts.Addrs) == 0 {
		return nil, false, errors.New("must be redis:// or rediss:// and at least one host")
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if opts.DB, err = strconv.Atoi(db); err != nil || opts.DB < 0 {
			return nil, false, errors.New("the path must be the number of a database")
		}
	}
	if u.Scheme == "rediss" {
		if opts.TLSConfig, err = tlsConfig(u.Query().Get("ca_file")); err != nil {
			return nil, false, err
		}
	}
	cluster, err = readKind(opts, u.Query())
	return opts, cluster, err
}

func readKind(opts *redis.UniversalOptions, query url.Values) (cluster bool, err error) {
	for name := range query {
		switch name {
		case "master", "cluster", "ca_file", "sentinel_username", "sentinel_password":
		default:
			return false, fmt.Errorf("the parameter %.40q is not known", name)
		}
	}
	opts.MasterName = query.Get("master")
	opts.SentinelUsername, opts.SentinelPassword = query.Get("sentinel_username"), query.Get("sentinel_password")
	cluster = opts.MasterName == "" && (len(opts.Addrs) > 1 || query.Get("cluster") == "true")
	if cluster && opts.DB != 0 {
		return false, errors.New("a cluster has only database 0")
	}
	return cluster, nil
}

func withPort(host string, sentinel bool) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := "6379"
	if sentinel {
		port = "26379"
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

func tlsConfig(caFile string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, errors.New("the file of ca_file cannot be read")
	}
	if cfg.RootCAs, err = x509.SystemCertPool(); err != nil {
		cfg.RootCAs = x509.NewCertPool()
	}
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("the file of ca_file holds no certificate")
	}
	return cfg, nil
}
