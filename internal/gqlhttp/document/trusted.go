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

// Trusted is a set of documents that the operator has approved. It is immutable; a nil Trusted is empty.
type Trusted struct {
	byID  map[string]string   // also by the SHA-256 of the text
	texts map[string]struct{} // with and without surrounding white space
}

// LoadTrusted reads a manifest of Apollo or of Relay, or a folder of .graphql files and manifests. The id of a file's document is the
// file's name without its extension. Every document is also found by the SHA-256 hash of its text. It is an error if there is no
// document, or if an id has two.
func LoadTrusted(file string) (*Trusted, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	t := &Trusted{byID: map[string]string{}, texts: map[string]struct{}{}}
	if info.IsDir() {
		err = t.addDir(os.DirFS(file))
	} else {
		err = t.addFile(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	}
	if err != nil {
		return nil, err
	}
	if len(t.texts) == 0 {
		return nil, fmt.Errorf("%s has no trusted documents", file)
	}
	return t, nil
}

func (t *Trusted) addDir(dir fs.FS) error {
	return fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return t.addFile(dir, name)
	})
}

// addFile adds the documents of a .graphql, .gql or .json file. It ignores other files.
func (t *Trusted) addFile(dir fs.FS, name string) error {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	switch ext := path.Ext(name); ext {
	case ".graphql", ".gql":
		err = t.add(strings.TrimSuffix(path.Base(name), ext), string(text))
	case ".json":
		err = t.manifest(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// apolloFormat is the value of format in the manifests that Apollo's tools write.
const apolloFormat = "apollo-persisted-query-manifest"

// manifest adds the documents of Apollo's format, a list of operations, or of Relay's, an object with texts by id.
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

// add adds a document under its id, the hash of its text, and the hash of its text without surrounding white space.
func (t *Trusted) add(id, text string) error {
	if id == "" || strings.TrimSpace(text) == "" {
		return errors.New("a document without an id or a text")
	}
	for _, variant := range []string{text, strings.TrimSpace(text)} {
		t.texts[variant] = struct{}{}
		t.byID[hashOf(variant)] = text
	}
	if other, taken := t.byID[normalizeID(id)]; taken && other != text {
		return fmt.Errorf("the id %q names two documents", id)
	}
	t.byID[normalizeID(id)] = text
	return nil
}

// normalizeID returns the hash in lower case if id is sha256:<hash>, otherwise id.
func normalizeID(id string) string {
	if hash, prefixed := strings.CutPrefix(id, "sha256:"); prefixed && isHash(hash) {
		return strings.ToLower(hash)
	}
	return id
}

func (t *Trusted) find(ref documentRef) (string, bool) {
	if t == nil {
		return "", false
	}
	for _, id := range []string{normalizeID(ref.id), ref.hash} {
		if text, ok := t.byID[id]; ok && id != "" {
			return text, true
		}
	}
	return "", false
}

// Has reports whether a trusted document has this text, apart from surrounding white space.
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

// All returns the pairs of id and text. A document occurs once for each of its ids and hashes.
func (t *Trusted) All() iter.Seq2[string, string] {
	if t == nil {
		return func(func(string, string) bool) {}
	}
	return maps.All(t.byID)
}
