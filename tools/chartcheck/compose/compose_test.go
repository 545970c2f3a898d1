// Package compose checks deploy/compose.yaml without a container daemon.
package compose

import (
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// The Compose file is valid by the schema of its format, and every service can start with the rights that it has left: without capabilities, an
// entrypoint cannot change the owner of a folder or its own user.
func TestComposeFile(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"../../../deploy/compose.yaml"}, cli.WithName("scalegraph"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 2 {
		t.Errorf("%d services", len(project.Services))
	}
	for name, s := range project.Services {
		if !slices.Contains(s.CapDrop, "ALL") || !s.ReadOnly || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s has more rights than it needs", name)
		}
		ownImage := s.Build != nil // whose user is checked with the Dockerfile
		if !ownImage && (s.User == "" || s.User == "root") {
			t.Errorf("%s would begin as root without capabilities", name)
		}
		for dependency, on := range s.DependsOn {
			if on.Condition == types.ServiceConditionHealthy && project.Services[dependency].HealthCheck == nil {
				t.Errorf("%s waits for the health of %s, which has no check", name, dependency)
			}
		}
	}
}
