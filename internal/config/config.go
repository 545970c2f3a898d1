// Package config reads the settings of the program from flags and environment variables. The variables, the flags, -help and
// docs/configuration.md all derive from one table in settings.go. Read checks every value with the package that will use it, so
// this package imports those packages; none of them imports it. Package app hands each its part of the Config.
package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"scalegraph/internal/gqlhttp/document"
)

// Config holds the settings. Read checks it before anything starts; it is not changed afterwards. The table in settings.go has the
// meaning and the default of each field. The zero Config has none of those defaults.
type Config struct {
	Listen      string   // host:port
	BasePath    string   // prefix of all paths, e.g. /scalegraph; empty: none
	AdminListen string   // host:port; empty: none
	AdminHosts  []string // in lower case

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

	CheckConnections bool // connect to the upstream, Redis and the issuer, print the results, and exit
}

// Key is a secret that is set as a value or as the name of a file, not both. The zero Key is unset.
type Key struct{ Text, File string }

// OIDC names the issuer and the audience of the accepted JWTs. If Issuer is empty no JWTs are accepted.
type OIDC struct{ Issuer, Audience, Claim string }

// The effects of exceeding Config.CallerCost, for Config.CallerCostMode.
const (
	LimitEnforce = "enforce" // the operation is rejected
	LimitMeasure = "measure" // the operation is executed, counted and logged
)

// demoName is the value of Upstream that selects the embedded emulator.
const demoName = "demo"

// Demo reports whether the embedded emulator is the upstream.
func (c Config) Demo() bool { return c.Upstream == demoName }

// ErrExit reports that -help, -version or -check has been carried out and that the program should exit successfully.
var ErrExit = errors.New("nothing more to do")

// Read reads the settings from args (without the program's name) and environ (as os.Environ returns it). A flag overrides its variable;
// an empty value of either means the default. The error joins all faults, one line each, and contains no secret. For -help, -version and
// -check, Read prints to out and returns ErrExit; -check -connect is left to the caller, who finds CheckConnections set. With an error
// the Config is zero.
func Read(args, environ []string, out io.Writer) (Config, error) {
	var cfg Config
	table := settings(&cfg)
	given := readArguments(table, args)
	switch {
	case given.help:
		return Config{}, errors.Join(ErrExit, printHelp(out, table))
	case given.version:
		_, err := fmt.Fprintln(out, "scalegraph", BuildVersion())
		return Config{}, errors.Join(ErrExit, err)
	}
	env := prefixedEnv(environ)
	cfg.Unknown = unknownVariables(table, env)
	faults := given.faults
	for _, s := range table {
		faults = append(faults, s.apply(given.values, env))
	}
	faults = append(faults, cfg.validate()...)
	if given.check {
		for _, variable := range cfg.Unknown {
			faults = append(faults, variable.fault())
		}
	}
	if given.connect && !given.check {
		faults = append(faults, errors.New("-connect: has no effect without -check"))
	}
	if err := errors.Join(faults...); err != nil {
		return Config{}, err
	}
	cfg.CheckConnections = given.connect
	if given.check && !given.connect {
		_, err := fmt.Fprintln(out, "the configuration is right")
		return Config{}, errors.Join(ErrExit, err)
	}
	return cfg, nil
}

// validate returns the contradictions between settings that are valid one by one.
func (c Config) validate() []error {
	var faults []error
	if _, twice := c.Regions[c.Region]; twice {
		faults = append(faults, fmt.Errorf("SCALEGRAPH_REGIONS: %q is already the name of the first region (SCALEGRAPH_REGION)", c.Region))
	}
	if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") && c.Listen != "" {
		faults = append(faults, errors.New("SCALEGRAPH_ADMIN_LISTEN: must not be the address of SCALEGRAPH_LISTEN"))
	}
	if len(c.AdminHosts) > 0 && c.AdminListen == "" {
		faults = append(faults, errors.New("SCALEGRAPH_ADMIN_HOSTS: has no effect without SCALEGRAPH_ADMIN_LISTEN"))
	}
	if c.TrustedOnly && c.Trusted == nil {
		faults = append(faults, errors.New("SCALEGRAPH_TRUSTED_ONLY: nothing would run without SCALEGRAPH_TRUSTED_DOCUMENTS"))
	}
	return append(faults, c.validateAuth()...)
}
