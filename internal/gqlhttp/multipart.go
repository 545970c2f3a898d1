package gqlhttp

import "encoding/json"

// boundary stands between parts. No part holds it: in JSON, a line cannot begin so.
const boundary = "graphql"

// parts writes multipart/mixed. Each part is followed by its delimiter at once, because clients read up to it.
type parts struct{ *exchange }

func (p parts) start(params string) {
	p.open(mediaMultipart + `; boundary="` + boundary + `"; ` + params)
	_, _ = p.w.Write([]byte("--" + boundary)) // the first part tells whether anybody is there
}

func (p parts) part(body []byte) error {
	b := make([]byte, 0, len(body)+96)
	b = append(b, "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"...)
	b = append(b, body...)
	b = append(b, "\r\n--"+boundary...)
	return p.send(b)
}

func (p parts) send(b []byte) error {
	if _, err := p.w.Write(b); err != nil {
		return err
	}
	return p.flush()
}

func (p parts) close() error { return p.send([]byte("--\r\n")) }

// multiparts writes a subscription as Apollo's multipart protocol 1.0 has it.
type multiparts struct{ parts }

func (m multiparts) begin(string) error {
	m.start("subscriptionSpec=1.0")
	return m.beat()
}

func (m multiparts) event(ev event) error {
	body := make([]byte, 0, len(ev.body)+16)
	body = append(body, `{"payload":`...)
	body = append(body, ev.body...)
	return m.part(append(body, '}'))
}

func (m multiparts) beat() error { return m.part([]byte("{}")) }

func (m multiparts) end() error { return m.close() }

// encodeErrors returns errors as a JSON list.
func encodeErrors(errs any) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		return []byte("[]") // ours can always be expressed
	}
	return text
}
