package testkit

import (
	"net"
	"testing"
)

// Dial opens a TCP connection that is closed when the test ends.
func Dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
