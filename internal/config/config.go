// Package config reads what an operator can set: one table of settings makes the variables, the flags, -help and the table in
// the README. A value is checked by the part that will use it, which is why the package imports those parts. None of them imports
// this one: each gets its share of a Config from package main, and nobody else reads the environment for settings.
package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"scalegraph/internal/gqlhttp/document"
)

// Config is everything that an operator can set. It is read once, checked before anything starts, and not changed afterwards.
// The table in settings.go says what each field means and what it is where nobody set it; a Config that Read did not make has
// none of those defaults.
type Config struct {
	Listen      string // host:port
	BasePath    string // prefix of all paths, e.g. /scalegraph; empty: none
	AdminListen string // host:port; empty: none

	Upstream string            // base URL without a slash at its end, or demo
	Region   string            // name of Upstream's region
	Regions  map[string]string // further regions: name to base URL
	Project  string            // empty: none

	Auth           string // AuthPassthrough or AuthKeys; without AuthKeys there are no keys, no callers' keys and no issuer
	AccessKey      Key
	SecretKey      Key
	SecurityToken  Key
	ClientKeysFile string // empty: none
	OIDC           OIDC

	RedisURL     string // empty: none; it may hold a password
	RedisTimeout time.Duration
	Secret       string // empty: none

	CacheMemory  int64 // bytes; 0: none
	Fresh        time.Duration
	Stale        time.Duration
	StaleIfError time.Duration
	Grant        time.Duration
	GrantScope   string // group or project
	GrantIfError time.Duration

	TypeSpelling        string // MANNUAL or MANUAL
	UpstreamTimeout     time.Duration
	RequestTimeout      time.Duration
	UpstreamConcurrency int
	Poll                time.Duration
	MaxSubscriptions    int

	Introspection bool
	Trusted       *document.Trusted // documents; nil: none
	TrustedOnly   bool
	CORSOrigins   []string
	StatusProfile string // audit or draft
	Limits        document.Limits

	CallerCost     int    // 0: no limit
	CallerCostMode string // LimitEnforce or LimitMeasure
	InFlight       int    // 0: no bound
	CostInFlight   int    // 0: no bound

	DrainDelay time.Duration // between not being ready and closing the listener

	Log string // auto, text or json

	Unknown []UnknownVariable

	CheckConnections bool // reach the upstream, Redis and the issuer, report what was found, and exit
}

// Key is a secret that is given as it is or in a file, not both. The zero Key is none.
type Key struct{ Text, File string }

// OIDC is whose JWTs are accepted. Where Issuer is empty none are.
type OIDC struct{ Issuer, Audience, Claim string }

// What happens to a caller who spends too much, for Config.CallerCostMode.
const (
	LimitEnforce = "enforce" // is refused
	LimitMeasure = "measure" // is counted and logged
)

// demoName is the upstream that stands for the embedded emulator.
const demoName = "demo"

// Demo reports whether the embedded emulator is the upstream.
func (c Config) Demo() bool { return c.Upstream == demoName }

// ErrAnswered is no fault: the arguments asked for -help, -version or -check, and that is done.
var ErrAnswered = errors.New("answered")

// Read reads the arguments and the environment (as os.Environ gives it). A flag beats its variable; an empty value of
// either means the default. Where anything is wrong the error joins all faults, one line each, and repeats no secret. What -help,
// -version and -check print goes to out, and the error is ErrAnswered; -check -connect is left to the caller, as CheckConnections. With an
// error the Config is the zero one.
func Read(args, environ []string, out io.Writer) (Config, error) {
	var cfg Config
	table := settings(&cfg)
	given := readArguments(table, args)
	switch {
	case given.help:
		return Config{}, errors.Join(ErrAnswered, printHelp(out, table))
	case given.version:
		_, err := fmt.Fprintln(out, "scalegraph", BuildVersion())
		return Config{}, errors.Join(ErrAnswered, err)
	}
	env := ourVariables(environ)
	cfg.Unknown = unknownVariables(table, env)
	faults := given.faults
	for _, s := range table {
		faults = append(faults, s.apply(given.values, env))
	}
	faults = append(faults, cfg.contradictions()...)
	if given.check {
		for _, variable := range cfg.Unknown {
			faults = append(faults, variable.fault())
		}
	}
	if given.connect && !given.check {
		faults = append(faults, errors.New("-connect: counts only with -check"))
	}
	if err := errors.Join(faults...); err != nil {
		return Config{}, err
	}
	cfg.CheckConnections = given.connect
	if given.check && !given.connect {
		_, err := fmt.Fprintln(out, "the configuration is right")
		return Config{}, errors.Join(ErrAnswered, err)
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
