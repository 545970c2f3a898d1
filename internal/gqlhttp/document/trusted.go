package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Trusted are the documents that were known when the clients were built. A nil Trusted has none. It is never changed once loaded.
type Trusted struct {
	byID  map[string]string   // also by the SHA-256 of the text
	texts map[string]struct{} // as clients would send them
}

// LoadTrusted reads trusted documents: a manifest of Apollo or of Relay, or a folder of .graphql files and manifests. A file's
// document has the file's name, without its ending, for an id. Every document is also known by the SHA-256 of its text.
func LoadTrusted(file string) (*Trusted, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	t := &Trusted{byID: map[string]string{}, texts: map[string]struct{}{}}
	if info.IsDir() {
		err = t.folder(os.DirFS(file))
	} else {
		err = t.file(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	}
	if err != nil {
		return nil, err
	}
	if len(t.texts) == 0 {
		return nil, fmt.Errorf("%s has no trusted documents", file)
	}
	return t, nil
}

func (t *Trusted) folder(dir fs.FS) error {
	return fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return t.file(dir, name)
	})
}

// file reads one file by its ending; files of other endings are left alone.
func (t *Trusted) file(dir fs.FS, name string) error {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	switch ending := path.Ext(name); ending {
	case ".graphql", ".gql":
		err = t.add(strings.TrimSuffix(path.Base(name), ending), string(text))
	case ".json":
		err = t.manifest(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// apolloFormat marks the manifest that Apollo's tools write.
const apolloFormat = "apollo-persisted-query-manifest"

// manifest reads Apollo's form, a list of operations, or Relay's, an object of texts by id.
func (t *Trusted) manifest(text []byte) error {
	var apollo struct {
		Format     string
		Version    int
		Operations []struct{ ID, Body string }
	}
	if err := json.Unmarshal(text, &apollo); err == nil && apollo.Format == apolloFormat {
		if apollo.Version != 1 {
			return fmt.Errorf("version %d of the manifest is not known", apollo.Version)
		}
		var errs []error
		for _, op := range apollo.Operations {
			errs = append(errs, t.add(op.ID, op.Body))
		}
		return errors.Join(errs...)
	}
	var relay map[string]string
	if err := json.Unmarshal(text, &relay); err != nil {
		return errors.New("neither Apollo's manifest nor Relay's object of texts by id")
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(relay)) {
		errs = append(errs, t.add(id, relay[id]))
	}
	return errors.Join(errs...)
}

// add makes a document known by its id, by its hash, and by that of its text without space around it.
func (t *Trusted) add(id, text string) error {
	if id == "" || strings.TrimSpace(text) == "" {
		return errors.New("a document without an id or a text")
	}
	for _, spelling := range []string{text, strings.TrimSpace(text)} {
		t.texts[spelling] = struct{}{}
		t.byID[hashOf(spelling)] = text
	}
	if other, taken := t.byID[plainID(id)]; taken && other != text {
		return fmt.Errorf("the id %q names two documents", id)
	}
	t.byID[plainID(id)] = text
	return nil
}

// plainID takes sha256:<hash> for the hash.
func plainID(id string) string {
	if hash, prefixed := strings.CutPrefix(id, "sha256:"); prefixed && isHash(hash) {
		return strings.ToLower(hash)
	}
	return id
}

func (t *Trusted) find(named names) (string, bool) {
	if t == nil {
		return "", false
	}
	for _, id := range []string{plainID(named.id), named.hash} {
		if text, ok := t.byID[id]; ok && id != "" {
			return text, true
		}
	}
	return "", false
}

// Has reports whether a text is that of a trusted document.
func (t *Trusted) Has(text string) bool {
	if t == nil {
		return false
	}
	_, ok := t.texts[text]
	if !ok {
		_, ok = t.texts[strings.TrimSpace(text)]
	}
	return ok
}

// All returns each document once for each of its names.
func (t *Trusted) All() iter.Seq2[string, string] {
	if t == nil {
		return func(func(string, string) bool) {}
	}
	return maps.All(t.byID)
}
