package config

import (
	"fmt"
	"slices"
	"strings"
)

// prefix is the prefix of the variables that are settings.
const prefix = "SCALEGRAPH_"

// arguments is a parsed command line.
type arguments struct {
	values        map[string]string // by flag name without dashes, unparsed
	help, version bool
	check         bool // check the configuration and exit
	connect       bool // with check: also reach the upstream and Redis
	faults        []error
}

// readArguments parses -flag value, -flag=value and the same with two dashes. It continues after a fault, so that one run reports
// all of them. A fault does not repeat a value, which may be a secret whose flag is missing.
func readArguments(table []setting, args []string) arguments {
	a := arguments{values: map[string]string{}}
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		switch {
		case !strings.HasPrefix(args[i], "-"):
			a.fault("argument %d belongs to no flag", i+1)
		case name == "help" || name == "h":
			a.help = true
		case name == "version":
			a.version = true
		case name == "check":
			a.check = true
		case name == "connect":
			a.connect = true
		case !slices.ContainsFunc(table, func(s setting) bool { return s.flag() == name }):
			a.fault("-%s: there is no such flag%s; -help lists them all", name, suggestFlag(name, table))
		case hasValue:
			a.values[name] = value
		case i+1 == len(args):
			a.fault("-%s: needs a value", name)
		default:
			i++
			a.values[name] = args[i]
		}
	}
	return a
}

func (a *arguments) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Errorf(format, args...))
}

// prefixedEnv returns the variables of environ that begin with prefix. If a name occurs twice the last value counts, as in a shell.
func prefixedEnv(environ []string) map[string]string {
	env := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, prefix) {
			env[name] = value
		}
	}
	return env
}

func suggestFlag(name string, table []setting) string {
	if found := similar(name, table, setting.flag); found != "" {
		return " (did you mean -" + found + "?)"
	}
	return ""
}
