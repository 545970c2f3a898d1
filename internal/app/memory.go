package app

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// gcPercent is GOGC as long as the memory limit allows it. Garbage collection is a large part of the cost of a response. A program
	// with a full cache is at the limit either way.
	gcPercent = 400

	baseMemory    = 24 << 20 // bytes of a busy program besides its cache
	cacheOverhead = 1.5      // bytes of memory for each byte of the cache, with its garbage

	// minMemoryLimit applies to any size of the cache: without a cache the program makes more garbage, not less.
	minMemoryLimit = 120 << 20

	// containerFraction is the part of a container's memory for the heap. Stacks and the buffers of the kernel need the rest.
	containerFraction = 0.9

	// MemProfileRate is the mean number of allocated bytes between two samples of a heap profile. Go's default of 512 KiB costs 2 % of
	// an uncached page.
	MemProfileRate = 4 << 20
)

// tuneGC sets a high GOGC and a soft memory limit, so that garbage is collected rarely until memory runs short. GOGC and GOMEMLIMIT take
// precedence if they are set.
func tuneGC(cacheMemory int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(cacheMemory, memlimit.FromCgroup))
	}
}

// softLimit returns the memory limit in bytes: the need of the cache and of the work besides it, at most containerFraction of the
// container's memory.
func softLimit(cacheMemory int64, container func() (uint64, error)) int64 {
	limit := max(minMemoryLimit, int64(cacheOverhead*float64(cacheMemory))+baseMemory)
	const unlimited = 1 << 60 // or more, as some kernels write it
	if has, err := container(); err == nil && has < unlimited {
		limit = min(limit, int64(containerFraction*float64(has)))
	}
	return limit
}
