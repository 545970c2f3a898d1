//go:build !linux

package httpserver

import "net"

// quiet does nothing here: connections that wait to be accepted when the program stops are broken off.
func quiet(net.Listener) error { return nil }

// waiting is not known here.
func waiting(net.Listener) int { return 0 }
