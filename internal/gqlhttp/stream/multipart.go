package stream

import "net/http"

// boundary separates parts. It occurs in none of them, because no line of JSON begins with two hyphens.
const boundary = "graphql"

// Multipart writes a multipart/mixed response. The delimiter that ends a part is written together with it, because clients parse a part only
// once they have read the next delimiter.
type Multipart struct{ W http.ResponseWriter }

// Start writes the head, with parameters of its media type, and the first delimiter. That begins with CRLF like every other delimiter: some
// parsers require it.
func (m Multipart) Start(parameters string) {
	open(m.W, MediaMultipart+`; boundary="`+boundary+`"; `+parameters)
	_, _ = m.W.Write([]byte("\r\n--" + boundary)) // an error shows up with the first part
}

// WritePart writes a part with a JSON body.
func (m Multipart) WritePart(body []byte) error {
	b := make([]byte, 0, len(body)+96)
	b = append(b, "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"...)
	b = append(b, body...)
	b = append(b, "\r\n--"+boundary...)
	return write(m.W, b)
}

// Close writes the end of the last delimiter.
func (m Multipart) Close() error { return write(m.W, []byte("--\r\n")) }

// MultipartSubscription writes a subscription in version 1.0 of Apollo's multipart protocol. Events have no ids.
type MultipartSubscription struct{ Multipart }

// Begin writes the head and a first KeepAlive.
func (m MultipartSubscription) Begin(string) error {
	m.Start("subscriptionSpec=1.0")
	return m.KeepAlive()
}

// Event writes an event as the payload of a part.
func (m MultipartSubscription) Event(ev Event) error {
	body := make([]byte, 0, len(ev.Body)+16)
	body = append(body, `{"payload":`...)
	body = append(body, ev.Body...)
	return m.WritePart(append(body, '}'))
}

// KeepAlive writes an empty object.
func (m MultipartSubscription) KeepAlive() error { return m.WritePart([]byte("{}")) }

// End ends the response.
func (m MultipartSubscription) End() error { return m.Close() }
