// Package testkit has helpers that tests of several packages share. It imports no package of the program.
package testkit

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Buffer is a bytes.Buffer that is safe for concurrent use.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns the text written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Cases returns how many of n random cases a test checks: all of them, or a tenth and at least one with -short.
func Cases(n int) int {
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}

// eventually is how long Eventually waits. It is long because a machine that runs several test binaries can be very slow.
const eventually = 60 * time.Second

// Eventually waits until a condition holds. It fails the test if that takes longer than a minute.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(eventually); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s takes too long", what)
		}
	}
}

// Metrics returns the samples of a page in the Prometheus text format, by name and labels as they are written.
func Metrics(t testing.TB, page string) map[string]float64 {
	t.Helper()
	samples := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		samples[name] = number
	}
	return samples
}
