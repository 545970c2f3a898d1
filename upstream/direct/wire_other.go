//go:build !unix

package direct

import (
	"errors"
	"net"
)

// able says that idle connections cannot be looked at here. Without that it would not be safe to use them again.
const able = false

type wire struct {
	net.Conn
	hasty bool
}

func newWire(net.Conn) (*wire, error) { return nil, errors.ErrUnsupported }
