// Package secretfile reads small text files that may change while the program runs, such as keys that an operator or a secret store
// rotates. A File is any text; a Key is a file with exactly one key.
package secretfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	maxSize = 4 << 20 // bytes of a file

	// Two changes within settleTime may leave the same modification time, because clocks of file systems are coarse. A file that was
	// read so soon after a change is read again even if its times are equal.
	settleTime = 2 * time.Second

	// A file system that hangs, such as NFS without its server, delays callers by maxWait. After that they get the last content, for
	// maxHang, and then an error.
	maxWait = 250 * time.Millisecond
	maxHang = time.Minute
	maxOpen = 5 * time.Second // for the first read, which has no last content
)

// File is a text file that is read again if it has changed. It is safe for concurrent use.
type File struct {
	path string
	load func(path string, known os.FileInfo) (loaded, error) // loadFile, except in tests

	mu       sync.Mutex
	reading  chan struct{} // closed when the read in progress ends; nil: there is none
	began    time.Time     // of that read
	lastRead loaded
	version  int
	err      error // of the last read
}

// loaded is the result of one read.
type loaded struct {
	content   []byte
	info      os.FileInfo
	at        time.Time
	unchanged bool // the other fields are not set
}

// Open reads the file for the first time.
func Open(path string) (*File, error) { return open(path, loadFile) }

func open(path string, load func(string, os.FileInfo) (loaded, error)) (*File, error) {
	f := &File{path: path, load: load}
	f.wait(maxOpen)
	_, _, err := f.result(maxOpen)
	return f, err
}

// Path is the file's name as it was given to Open.
func (f *File) Path() string { return f.path }

// Read returns the content of the file as UTF-8 text with line ends \n, and a version that grows if the content has changed. If the
// file cannot be read, Read returns an error together with the content and version of the last successful read. If the file system
// hangs, Read returns the last content after maxWait. The caller must not modify the content.
func (f *File) Read() (content []byte, version int, err error) {
	f.wait(maxWait)
	return f.result(maxHang)
}

// wait starts a read if none is in progress, and waits until the read has ended or has taken timeout.
func (f *File) wait(timeout time.Duration) {
	f.mu.Lock()
	if f.reading == nil {
		f.reading, f.began = make(chan struct{}), time.Now()
		go f.read(f.reading, f.lastRead)
	}
	reading, left := f.reading, timeout-time.Since(f.began)
	f.mu.Unlock()
	timer := time.NewTimer(max(left, 0))
	defer timer.Stop()
	select {
	case <-reading:
	case <-timer.C:
	}
}

func (f *File) result(hang time.Duration) ([]byte, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading != nil && (f.version == 0 || time.Since(f.began) >= hang) {
		return f.lastRead.content, f.version, fmt.Errorf("%s: the file system does not respond", f.path)
	}
	return f.lastRead.content, f.version, f.err
}

// read reads the file if it has changed since last, stores the result and closes done.
func (f *File) read(done chan struct{}, last loaded) {
	known := last.info
	if known != nil && last.at.Sub(known.ModTime()) <= settleTime {
		known = nil
	}
	fresh, err := f.load(f.path, known)
	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(done)
	f.reading, f.err = nil, err
	if err != nil || fresh.unchanged {
		return
	}
	if f.version == 0 || !bytes.Equal(fresh.content, last.content) {
		f.version++
	}
	f.lastRead = fresh
}

// loadFile reads a file unless it is the known one, unchanged. Pipes and devices are rejected: they cannot be read again, and may
// block.
func loadFile(path string, known os.FileInfo) (loaded, error) {
	info, err := os.Stat(path)
	if err != nil {
		return loaded{}, fmt.Errorf("read a file of keys: %w", err)
	}
	if !info.Mode().IsRegular() {
		return loaded{}, fmt.Errorf("%s is not a regular file", path)
	}
	if known != nil && same(known, info) {
		return loaded{unchanged: true}, nil
	}
	if info.Size() > maxSize {
		return loaded{}, fmt.Errorf("%s is longer than %d bytes", path, maxSize)
	}
	now := time.Now()
	content, err := readBounded(path)
	if err != nil {
		return loaded{}, err
	}
	text, err := decode(content)
	if err != nil {
		return loaded{}, fmt.Errorf("%s: %w", path, err)
	}
	return loaded{content: text, info: info, at: now}, nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a file of keys: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read a file of keys: %w", err)
	}
	if len(content) > maxSize {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxSize)
	}
	return content, nil
}

var errNotText = errors.New("is not text in UTF-8 or UTF-16")
