package secretfile

import (
	"errors"
	"strings"
)

// Key is a file that holds one key and nothing else. It may be used by many goroutines.
type Key struct{ file *File }

// OpenKey reads the file for the first time, and fails where it does not hold one key.
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

// Read returns the key that the file holds now, without the spaces and line ends around it. A file that holds none is being
// written just now, or is wrong: that is an error, which does not repeat what the file holds.
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
