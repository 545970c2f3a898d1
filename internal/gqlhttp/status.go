package gqlhttp

import "net/http"

// requestStatus is the HTTP status of an operation that was not executed, by the code of its error.
func requestStatus(code string, profile StatusProfile, media string) int {
	switch code {
	case codeInternal:
		return http.StatusInternalServerError
	case codeRequestTimeout:
		return http.StatusServiceUnavailable
	case codeRateLimited:
		return http.StatusTooManyRequests
	case codeNotFound, codeNotSupported:
		return http.StatusOK // clients of persisted queries take another status for a broken server
	}
	switch {
	case profile == Draft && code == codeParseFailed:
		return http.StatusBadRequest
	case profile == Draft:
		return http.StatusUnprocessableEntity
	case media == mediaJSON:
		return http.StatusOK // this media type says that HTTP went well, and no more
	}
	return http.StatusBadRequest
}
