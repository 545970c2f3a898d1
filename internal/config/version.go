package config

import "runtime/debug"

// version is set when a release is built: -ldflags "-X scalegraph/internal/config.version=v1.2.3".
var version string

// BuildVersion returns the version of the release, else the module's version, else devel with the commit that was built, else devel.
func BuildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value
		}
	}
	return "devel"
}
