package auth

import "net/http"

// SetTransport replaces how an issuer is reached, so that a test can run it in a bubble of testing/synctest, where there are no sockets.
func (s *Issuer) SetTransport(rt http.RoundTripper) { s.keys.client.Transport = rt }
