package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"scalegraph/internal/telemetry"
)

func TestDurationsHaveUnits(t *testing.T) {
	for _, form := range []string{"json", "text"} {
		var logs strings.Builder
		telemetry.NewLog(&logs, form).Info("x", "before", 1, "wait", 1500*time.Microsecond, "after", "y")
		if got := logs.String(); !strings.Contains(got, "1.5ms") || !strings.Contains(got, "before") || !strings.Contains(got, "after") {
			t.Errorf("%s: %s", form, got)
		}
	}
}
