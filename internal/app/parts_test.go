package app

import "testing"

func TestOnThisMachine(t *testing.T) {
	for name, c := range map[string]struct {
		endpoints map[string]string
		want      bool
	}{
		"loopback":   {map[string]string{"a": "http://127.0.0.1:9090", "b": "http://[::1]/x"}, true},
		"localhost":  {map[string]string{"a": "http://localhost:1"}, true},
		"elsewhere":  {map[string]string{"a": "https://as.cn-north-1.myhuaweicloud.com"}, false},
		"one of two": {map[string]string{"a": "http://127.0.0.1", "b": "http://10.0.0.1"}, false},
	} {
		if got := onThisMachine(c.endpoints); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
