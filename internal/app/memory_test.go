package app

import (
	"errors"
	"math"
	"runtime/debug"
	"testing"
)

func TestSoftLimit(t *testing.T) {
	free := func() (uint64, error) { return 0, errors.New("no cgroup") }
	container := func(bytes uint64) func() (uint64, error) { return func() (uint64, error) { return bytes, nil } }
	for name, c := range map[string]struct {
		cache     int64
		container func() (uint64, error)
		want      int64
	}{
		"default":           {64 << 20, free, 120 << 20},
		"no cache":          {0, free, 120 << 20},
		"large cache":       {1 << 30, free, 1560 << 20},
		"roomy container":   {64 << 20, container(1 << 30), 120 << 20},
		"endless container": {64 << 20, container(math.MaxUint64), 120 << 20},
		"narrow container":  {64 << 20, container(100 << 20), 90 << 20},
	} {
		if got := softLimit(c.cache, c.container); got != c.want {
			t.Errorf("%s: %d MiB, want %d", name, got>>20, c.want>>20)
		}
	}
}

// What the environment says of the collector is not overruled.
func TestPaceGCObeysTheEnvironment(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	percent := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(percent) })

	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1GiB")
	tuneGC(64 << 20)
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit became %d", got)
	}
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC became %d", got)
	}

	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	tuneGC(1 << 40)
	if got := debug.SetMemoryLimit(-1); got == before {
		t.Error("the limit stayed")
	}
	if got := debug.SetGCPercent(100); got != gcPercent {
		t.Errorf("GOGC is %d, want %d", got, gcPercent)
	}
}
