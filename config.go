package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"scalegraph/edge"
)

// Config is everything that an operator can set. It is read once, checked before anything starts, and not changed afterwards.
// The table in settings.go says what each field means and what it is where nobody set it.
type Config struct {
	Listen      string
	AdminListen string // empty: none

	Upstream string            // base URL without a slash at its end, or demo
	Region   string            // name of Upstream's region
	Regions  map[string]string // further regions: name to base URL
	Project  string            // empty: none

	Auth           string
	AccessKey      Key
	SecretKey      Key
	SecurityToken  Key
	ClientKeysFile string // empty: none
	OIDC           OIDC

	RedisURL string // empty: none; it may hold a password
	Secret   string

	CacheMemory  int64 // bytes
	Fresh        time.Duration
	Stale        time.Duration
	StaleIfError time.Duration
	Grant        time.Duration
	GrantScope   string
	GrantIfError time.Duration

	TypeSpelling        string
	UpstreamTimeout     time.Duration
	RequestTimeout      time.Duration
	UpstreamConcurrency int
	Poll                time.Duration
	MaxSubscriptions    int

	Introspection bool
	Trusted       *edge.Trusted // documents; nil: none
	TrustedOnly   bool
	CORSOrigins   []string
	StatusProfile string
	Limits        Limits

	CallerCost     int // 0: no limit
	CallerCostMode string
	InFlight       int // 0: no bound

	Log string

	Unread []string // variables that look like ours and that nobody reads: most likely misspelt
}

// Key is a secret that is given as it is or in a file, not both.
type Key struct{ Text, File string }

// OIDC is whose JWTs are accepted. Where Issuer is empty none are.
type OIDC struct{ Issuer, Audience, Claim string }

// Limits bound one operation.
type Limits struct {
	Body          int64 // bytes
	Tokens        int
	Depth         int
	Aliases       int
	RootFields    int
	Directives    int
	Cost          int
	UpstreamCalls int
}

// demoName is the upstream that stands for the embedded emulator.
const demoName = "demo"

// Demo reports whether the embedded emulator is the upstream.
func (c Config) Demo() bool { return c.Upstream == demoName }

// errAnswered is no fault: the arguments asked for -help, -version or -check, and that is done.
var errAnswered = errors.New("answered")

// readConfig reads the arguments and the environment (as os.Environ gives it). A flag beats its variable; an empty value of
// either means the default. Where anything is wrong the error joins all faults, one line each. What -help, -version and
// -check print goes to out, and the error is errAnswered.
func readConfig(args, environ []string, out io.Writer) (Config, error) {
	var cfg Config
	table := settings(&cfg)
	given := readArguments(table, args)
	switch {
	case given.help:
		return Config{}, errors.Join(errAnswered, printHelp(out, table))
	case given.version:
		_, err := fmt.Fprintln(out, "scalegraph", buildVersion())
		return Config{}, errors.Join(errAnswered, err)
	}
	env := ourVariables(environ)
	cfg.Unread = unread(table, env)
	faults := given.faults
	for _, s := range table {
		faults = append(faults, s.apply(given.values, env))
	}
	faults = append(faults, cfg.contradictions()...)
	if err := errors.Join(faults...); err != nil {
		return Config{}, err
	}
	if given.check {
		_, err := fmt.Fprintln(out, "the configuration is right")
		return Config{}, errors.Join(errAnswered, err)
	}
	return cfg, nil
}

// contradictions returns what is wrong between settings that are each right by themselves.
func (c Config) contradictions() []error {
	var faults []error
	if _, twice := c.Regions[c.Region]; twice {
		faults = append(faults, fmt.Errorf("SCALEGRAPH_REGIONS: %q is already the name of the first region (SCALEGRAPH_REGION)", c.Region))
	}
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") && c.Listen != "" {
		faults = append(faults, errors.New("SCALEGRAPH_ADMIN_LISTEN: must not be the address of SCALEGRAPH_LISTEN"))
	}
	if c.TrustedOnly && c.Trusted == nil {
		faults = append(faults, errors.New("SCALEGRAPH_TRUSTED_ONLY: nothing would run without SCALEGRAPH_TRUSTED_DOCUMENTS"))
	}
	return append(faults, c.authFaults()...)
}
