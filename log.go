package main

import (
	"io"
	"log/slog"
	"os"
)

// newLog returns a log in the form that Config.Log names. Nothing in this program hands it a header's value, a token or a URL
// with a user in it.
func newLog(to io.Writer, form string) *slog.Logger {
	if form == "text" || form == "auto" && isTerminal(to) {
		return slog.New(slog.NewTextHandler(to, nil))
	}
	return slog.New(slog.NewJSONHandler(to, nil))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
