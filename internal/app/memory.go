package app

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// Garbage may grow to so many hundredths of what is in use, while the limit below allows it: collecting is much of the cost of an
	// answer. A program with a full cache is at the limit either way; one without a cache comes near it.
	garbagePercent = 1600

	// What the program takes beside its cache when it is busy, and what a byte of the cache costs with its garbage.
	besideCache  = 64 << 20
	perCacheByte = 2.0

	// What the program may take whatever its cache: without one it makes more garbage, not less.
	leastLimit = 192 << 20

	// The part of a container's memory that the heap may take; the rest is for stacks and the kernel's buffers.
	partOfContainer = 0.9

	// MemProfileRate is how many allocated bytes there are for each one that heap profiles sample. Go's default of 512 KiB costs 2 % of
	// an uncached page.
	MemProfileRate = 4 << 20
)

// paceGC lets garbage pile up in the memory that is there anyway, and collects it more often as that runs out: a soft limit, which
// makes nothing fail. GOGC and GOMEMLIMIT, where they are set, are obeyed as usual.
func paceGC(cacheMemory int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit(cacheMemory, memlimit.FromCgroup))
	}
}

// softLimit is what the cache and the work around it need, and never more than the container has.
func softLimit(cacheMemory int64, container func() (uint64, error)) int64 {
	limit := max(leastLimit, int64(perCacheByte*float64(cacheMemory))+besideCache)
	const unlimited = 1 << 60 // or more, as some kernels write it
	if has, err := container(); err == nil && has < unlimited {
		limit = min(limit, int64(partOfContainer*float64(has)))
	}
	return limit
}
