package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/validator/core"
)

// UnknownVariable is an environment variable with the prefix of the settings that is not a setting: most likely a misspelt one.
type UnknownVariable struct {
	Name       string
	Suggestion string // the setting that was probably meant; empty: none is similar
}

func (u UnknownVariable) fault() error {
	return fmt.Errorf("%s: there is no such setting%s", u.Name, didYouMean(u.Suggestion))
}

func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return "; did you mean " + suggestion + "?"
}

// serviceHost, servicePort and servicePorts match the names of variables that Kubernetes sets for services with names that begin with
// "scalegraph". A misspelt setting could match servicePort, so the value is compared with serviceURL as well.
var (
	serviceHost  = regexp.MustCompile(`^SCALEGRAPH_([A-Z0-9_]+_)?SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$`)
	servicePort  = regexp.MustCompile(`^SCALEGRAPH_([A-Z0-9_]+_)?PORT$`)
	servicePorts = regexp.MustCompile(`^SCALEGRAPH_([A-Z0-9_]+_)?PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	serviceURL   = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

func isServiceLink(name, value string) bool {
	return serviceHost.MatchString(name) || servicePorts.MatchString(name) || servicePort.MatchString(name) && serviceURL.MatchString(value)
}

// unknownVariables returns the variables in env that are neither settings nor service links of Kubernetes, sorted by name.
func unknownVariables(table []setting, env map[string]string) []UnknownVariable {
	var unknown []UnknownVariable
	for name, value := range env {
		if isServiceLink(name, value) || slices.ContainsFunc(table, func(s setting) bool { return s.variable() == name }) {
			continue
		}
		suggestion := similar(strings.TrimPrefix(name, prefix), table, func(s setting) string { return s.name })
		if suggestion != "" {
			suggestion = prefix + suggestion
		}
		unknown = append(unknown, UnknownVariable{name, suggestion})
	}
	slices.SortFunc(unknown, func(a, b UnknownVariable) int { return strings.Compare(a.Name, b.Name) })
	return unknown
}

// similar returns the setting's name that is most like a misspelt one; empty if none is.
func similar(name string, table []setting, nameOf func(setting) string) string {
	var names []string
	for _, s := range table {
		names = append(names, nameOf(s))
	}
	for _, candidate := range names {
		if len(name) >= 3 && strings.HasPrefix(candidate, name) { // REDIS for REDIS_URL
			return candidate
		}
	}
	if found := core.SuggestionList(name, names); len(found) > 0 {
		return found[0]
	}
	return ""
}
