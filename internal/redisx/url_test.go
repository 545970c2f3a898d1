package redisx

import (
	"strings"
	"testing"
)

// The forms of the URL, and that no error repeats one.
func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"redis://h", "redis://u:p@h:1/2", "rediss://h:1", "redis://a:1,b:2,c:3", "redis://a?cluster=true",
		"redis://a:1,b:2/0?master=m", "redis://a?master=m&sentinel_username=x&sentinel_password=y", "redis://[::1]:6379",
	} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "h:1", "http://secret@h", "redis://", "redis://h/secret", "redis://h/-1", "redis://a,b/1", "redis://h?secrets=1&x=secret",
		"rediss://h?ca_file=/secret", "redis://:secret@h:port",
	} {
		err := CheckURL(bad)
		if err == nil || strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "/secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
