package gqlhttp

import "encoding/json"

// boundary separates parts. It occurs in none of them, because no line of JSON begins with two hyphens.
const boundary = "graphql"

// multipartWriter writes a multipart/mixed response. The delimiter that ends a part is written together with it, because clients parse a
// part only once they have read the next delimiter.
type multipartWriter struct{ *exchange }

// start writes the headers and the first delimiter. It begins with CRLF like every other delimiter: some parsers require that.
func (m multipartWriter) start(parameters string) {
	m.open(mediaMultipart + `; boundary="` + boundary + `"; ` + parameters)
	_, _ = m.w.Write([]byte("\r\n--" + boundary)) // an error shows up with the first part
}

func (m multipartWriter) writePart(body []byte) error {
	b := make([]byte, 0, len(body)+96)
	b = append(b, "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"...)
	b = append(b, body...)
	b = append(b, "\r\n--"+boundary...)
	return m.writeAndFlush(b)
}

func (m multipartWriter) writeAndFlush(b []byte) error {
	if _, err := m.w.Write(b); err != nil {
		return err
	}
	return m.flush()
}

// close writes the end of the last delimiter.
func (m multipartWriter) close() error { return m.writeAndFlush([]byte("--\r\n")) }

// multipartSubscription writes a subscription in version 1.0 of Apollo's multipart protocol.
type multipartSubscription struct{ multipartWriter }

func (m multipartSubscription) begin(string) error {
	m.start("subscriptionSpec=1.0")
	return m.beat()
}

func (m multipartSubscription) event(ev event) error {
	body := make([]byte, 0, len(ev.body)+16)
	body = append(body, `{"payload":`...)
	body = append(body, ev.body...)
	return m.writePart(append(body, '}'))
}

func (m multipartSubscription) beat() error { return m.writePart([]byte("{}")) }

func (m multipartSubscription) end() error { return m.close() }

// encodeErrors returns errors as a JSON list.
func encodeErrors(errs any) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		return []byte("[]") // ours can always be expressed
	}
	return text
}
