//go:build unix

package secretfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A hanging file system, such as NFS without its server, cannot be had in a test: its calls are replaced by a channel operation.
func TestHangingFileSystemDoesNotBlockCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var hang chan struct{}
		f, err := open(path, func(path string, known os.FileInfo) (loaded, error) {
			if hang != nil {
				<-hang
			}
			return loadFile(path, known)
		})
		if err != nil {
			t.Fatal(err)
		}
		hang = make(chan struct{})
		for i, c := range []struct {
			sleep, wait time.Duration
			fails       bool
		}{
			{0, maxWait, false},
			{time.Second, 0, false}, // only the first caller waits
			{maxHang, 0, true},
		} {
			time.Sleep(c.sleep)
			began := time.Now()
			content, _, err := f.Read()
			if string(content) != "one" || (err != nil) != c.fails || time.Since(began) != c.wait {
				t.Errorf("read %d: %q, %v after %v", i, content, err, time.Since(began))
			}
		}
		close(hang)
		synctest.Wait()
		if content, _, err := f.Read(); string(content) != "one" || err != nil {
			t.Errorf("afterwards: %q, %v", content, err)
		}
	})
}

func TestOpenTimesOutOnHangingFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		_, err := open("key", func(string, os.FileInfo) (loaded, error) {
			<-hang
			return loaded{}, errors.New("late")
		})
		if err == nil {
			t.Error("opened")
		}
		close(hang)
	})
}

// Opening a FIFO blocks until somebody writes to it.
func TestFIFOIsRejected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a FIFO was opened")
	}
	regular := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(regular, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(regular)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, regular); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if content, _, err := f.Read(); string(content) != "one" || err == nil || time.Since(began) > maxOpen {
		t.Errorf("got %q, %v after %v", content, err, time.Since(began))
	}
}
