package auth

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"scalegraph/internal/secretfile"
)

// Keys are the bearer keys of a file. The file is read again if it has changed, so a removed key is rejected from the next request on.
// Memory holds only hashes of the keys, keyed with a random salt of the process. Keys are safe for concurrent use.
type Keys struct {
	file *secretfile.File
	salt []byte
	log  *slog.Logger

	mu      sync.Mutex
	version int // of the file that entries were read from
	entries []entry
	warned  string // the fault of the file that was last logged; empty: it has none
}

type entry struct {
	hash [sha256.Size]byte
	Identity
}

// OpenKeys reads a file with one caller a line: name, key, and the projects separated by commas (* for all). The error has the number
// of every faulty line, without its content. If the file becomes faulty later, that is logged, and its valid lines are used; if it
// cannot be read any more, all keys are rejected.
func OpenKeys(path string, log *slog.Logger) (*Keys, error) {
	file, err := secretfile.Open(path)
	if err != nil {
		return nil, err
	}
	k := &Keys{file: file, salt: make([]byte, sha256.Size), log: log}
	_, _ = rand.Read(k.salt) // never fails
	content, version, err := file.Read()
	if err != nil {
		return nil, err
	}
	k.entries, err = k.parse(content)
	k.version = version
	return k, err
}

// identify returns the caller with a key; false if there is none. Its duration does not depend on how much of a key is right.
func (k *Keys) identify(key string) (Identity, bool) {
	hash := k.hash(key)
	found := -1
	entries := k.current()
	for i := range entries {
		if subtle.ConstantTimeCompare(hash[:], entries[i].hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Identity{}, false
	}
	return entries[found].Identity, true
}

func (k *Keys) hash(key string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, k.salt)
	mac.Write([]byte(key))
	return [sha256.Size]byte(mac.Sum(nil))
}

// current returns the entries of the file's present content.
func (k *Keys) current() []entry {
	content, version, err := k.file.Read()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.warnOnce(err)
		return nil
	}
	if version > k.version {
		k.entries, err = k.parse(content)
		k.version = version
		k.log.Info("the file of callers' keys has changed", "callers", len(k.entries))
		k.warnOnce(err)
	}
	return k.entries
}

// warnOnce logs a fault of the file unless it is the one that was last logged; nil means that the file has none. The caller holds k.mu.
func (k *Keys) warnOnce(fault error) {
	text := ""
	if fault != nil {
		text = fault.Error()
	}
	if text != k.warned && text != "" {
		k.log.Error("the file of callers' keys is faulty", "error", strings.ReplaceAll(text, "\n", "; "))
	}
	k.warned = text
}

// parse returns the entries of all valid lines, and an error that joins the faults of the others.
func (k *Keys) parse(content []byte) ([]entry, error) {
	var entries []entry
	var faults []error
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	seen := map[[sha256.Size]byte]int{}
	for n := 1; lines.Scan(); n++ {
		fields := fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		e, err := k.entry(fields)
		if before, twice := seen[e.hash]; err == nil && twice {
			err = fmt.Errorf("has the key of line %d", before)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d %w", n, err))
			continue
		}
		seen[e.hash] = n
		entries = append(entries, e)
	}
	return entries, errors.Join(faults...)
}

// fields splits a line at spaces. A # at the start of a field begins a comment.
func fields(line string) []string {
	found := strings.Fields(line)
	for i, f := range found {
		if strings.HasPrefix(f, "#") {
			return found[:i]
		}
	}
	return found
}

var errLine = errors.New("must be: name key project,project")

func (k *Keys) entry(fields []string) (entry, error) {
	if len(fields) != 3 {
		return entry{}, errLine
	}
	e := entry{k.hash(fields[1]), Identity{Name: fields[0]}}
	if fields[2] == "*" {
		e.All = true
		return e, nil
	}
	for project := range strings.SplitSeq(fields[2], ",") {
		if project == "" || project == "*" {
			return entry{}, errLine
		}
		e.Projects = append(e.Projects, project)
	}
	return e, nil
}
