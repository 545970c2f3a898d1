package config

import (
	"fmt"
	"io"
	"strings"
)

// printHelp lists every setting: flag, variable, default and meaning.
func printHelp(out io.Writer, table []setting) error {
	var b strings.Builder
	b.WriteString("scalegraph serves the activity log of Huawei Cloud AutoScaling as a GraphQL API.\n\n" +
		"Every flag is also an environment variable. The flag wins; an empty value means the default.\n")
	for _, s := range table {
		fmt.Fprintf(&b, "\n  -%s  (%s", s.flag(), s.variable())
		if s.initial != "" {
			fmt.Fprintf(&b, ", default %s", s.initial)
		}
		fmt.Fprintf(&b, ")\n      %s\n", strings.ReplaceAll(s.help, "`", ""))
	}
	b.WriteString("\n  -check\n      check the configuration and exit: status 0 if it is right, 2 if not\n" +
		"\n  -connect\n      with -check: also reach the upstream, Redis and the OIDC issuer, and print what was found\n" +
		"\n  -version\n      print the version and exit\n  -help\n      print this and exit\n")
	_, err := io.WriteString(out, b.String())
	return err
}
