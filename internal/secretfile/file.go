// Package secretfile reads small files whose content may be replaced while the program runs: keys that an operator or a
// secret store rotates.
package secretfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// maxSize bounds a file, in bytes.
const maxSize = 4 << 20

// settled is how old a change must be before the file's times can tell it from the next one: clocks of file systems are coarse.
const settled = 2 * time.Second

// File is a file that is read again when it has changed. It may be used by many goroutines.
type File struct {
	path string

	mu      sync.Mutex
	info    os.FileInfo // of what was read last
	readAt  time.Time
	content []byte
	version int
}

// Open reads the file for the first time.
func Open(path string) (*File, error) {
	f := &File{path: path}
	_, _, err := f.Read()
	return f, err
}

// Path is the file's name as it was given to Open.
func (f *File) Path() string { return f.path }

// Read returns what the file holds now, and a number that grows whenever that is something else than before. Where it cannot be
// read the error says why, and content and version are those of the last time that it could. Nobody may change the content.
func (f *File) Read() (content []byte, version int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return f.content, f.version, fmt.Errorf("read a file of keys: %w", err)
	}
	if f.unchanged(info) {
		return f.content, f.version, nil
	}
	now := time.Now()
	fresh, err := read(f.path)
	if err != nil {
		return f.content, f.version, err
	}
	f.info, f.readAt = info, now
	if f.version == 0 || !bytes.Equal(fresh, f.content) {
		f.content = fresh
		f.version++
	}
	return f.content, f.version, nil
}

func (f *File) unchanged(info os.FileInfo) bool {
	return f.info != nil && os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime()) &&
		f.readAt.Sub(info.ModTime()) > settled
}

func read(path string) ([]byte, error) {
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
