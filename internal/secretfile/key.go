package secretfile

import (
	"errors"
	"strings"
)

// Key is a file that contains one key and nothing else. It is safe for concurrent use.
type Key struct{ file *File }

// OpenKey opens a file and reads it once. It fails if the file does not contain exactly one key.
func OpenKey(path string) (*Key, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	k := &Key{file}
	if _, err := k.Read(); err != nil {
		return nil, err
	}
	return k, nil
}

var errKey = errors.New("the file holds no key, or more than one")

// Read returns the key that the file contains now, without surrounding white space. It returns an error if the file contains no key,
// as it may while it is being written, or more than one. Errors do not repeat the content.
func (k *Key) Read() (string, error) {
	content, _, err := k.file.Read()
	if err != nil {
		return "", err
	}
	keys := strings.Fields(string(content))
	if len(keys) != 1 {
		return "", errKey
	}
	return keys[0], nil
}
