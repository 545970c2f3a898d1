package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Shape is the form of an error's body.
type Shape uint8

// The forms that are known.
const (
	ShapeByCode  Shape = iota // nested for AS.*, gateway for all else
	ShapeAS                   // {"error":{"code":"AS.2007","message":…}}
	ShapeGateway              // {"error_msg":…,"error_code":"APIG.0301","request_id":…}
	ShapeFlat                 // {"error_code":"AS.2007","error_msg":…}
	ShapeIAM                  // {"error":{"code":401,"message":…,"title":…}}
	ShapeHTML                 // a page of a proxy
	ShapeEmpty                // no body at all
)

// refusal is an answer that is not a page.
type refusal struct {
	status  int
	code    string
	message string
	shape   Shape
}

// body writes the refusal in its shape and returns its media type with it.
func (no refusal) body(requestID string) ([]byte, string) {
	const jsonType = "application/json"
	switch no.form() {
	case ShapeEmpty:
		return nil, "text/plain"
	case ShapeHTML:
		return no.html(), "text/html"
	case ShapeGateway:
		return marshal(gatewayBody{no.message, no.code, requestID}), jsonType
	case ShapeFlat:
		return marshal(flatBody{no.code, no.message}), jsonType
	case ShapeIAM:
		return nested(iamError{no.status, no.message, http.StatusText(no.status)}), jsonType
	default:
		return nested(asError{no.code, no.message}), jsonType
	}
}

func (no refusal) form() Shape {
	switch {
	case no.shape != ShapeByCode:
		return no.shape
	case strings.HasPrefix(no.code, "AS."):
		return ShapeAS
	default:
		return ShapeGateway
	}
}

func (no refusal) html() []byte {
	title := strconv.Itoa(no.status) + " " + http.StatusText(no.status)
	return []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n")
}

type gatewayBody struct {
	Message   string `json:"error_msg"`
	Code      string `json:"error_code"`
	RequestID string `json:"request_id"`
}

type flatBody struct {
	Code    string `json:"error_code"`
	Message string `json:"error_msg"`
}

type asError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type iamError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Title   string `json:"title"`
}

func nested(inner any) []byte {
	return marshal(map[string]json.RawMessage{"error": marshal(inner)})
}

// refuse returns a documented refusal with our wording of its text.
func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

func bad(code, message string) *refusal { return refuse(http.StatusBadRequest, code, message) }
