package gqlhttp

import (
	"net/http"

	"scalegraph/internal/apierr"
)

// requestStatus is the HTTP status of an operation that was not executed, by the code of its error.
func requestStatus(code string, profile StatusProfile, media string) int {
	switch code {
	case apierr.Internal:
		return http.StatusInternalServerError
	case apierr.RequestTimeout:
		return http.StatusServiceUnavailable
	case apierr.RateLimited:
		return http.StatusTooManyRequests
	case apierr.PersistedNotFound, apierr.PersistedRejected:
		return http.StatusOK // clients of persisted queries take another status for a broken server
	}
	switch {
	case profile == Draft && code == apierr.ParseFailed:
		return http.StatusBadRequest
	case profile == Draft:
		return http.StatusUnprocessableEntity
	case media == mediaJSON:
		return http.StatusOK // this media type says that HTTP went well, and no more
	}
	return http.StatusBadRequest
}
