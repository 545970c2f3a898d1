package config

import (
	"errors"
	"regexp"
	"strings"
)

var (
	errPlaceholder     = errors.New("is a placeholder of the documentation; put your own value there")
	errPlaceholderHost = errors.New("the host is a placeholder of the documentation; put your own there")
)

// placeholderForm matches the placeholders of documentation, such as <project id> and YOUR-PROJECT.
var placeholderForm = regexp.MustCompile(`(?i)^(<[^<>]*>|your[-_].*)$`)

func isPlaceholder(value string) bool { return placeholderForm.MatchString(value) }

// reservedHost matches the domains that RFC 2606 reserves for documentation and errors. .test and .localhost may be in use.
var reservedHost = regexp.MustCompile(`(?i)(^|\.)(example\.(com|net|org)|example|invalid)\.?$`)

// isPlaceholderHost reports whether host is a placeholder or in a domain reserved for documentation.
func isPlaceholderHost(host string) bool {
	if reservedHost.MatchString(host) || strings.ContainsAny(host, "<>") {
		return true
	}
	for label := range strings.SplitSeq(host, ".") {
		if isPlaceholder(label) {
			return true
		}
	}
	return false
}
