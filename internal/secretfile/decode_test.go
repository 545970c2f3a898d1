package secretfile_test

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"scalegraph/internal/secretfile"
)

func utf16File(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// Editors and shells write the same key in many ways.
func TestEncodings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for name, c := range map[string]struct{ content, want string }{
		"printf":                  {"s3cret", "s3cret"},
		"echo":                    {"s3cret\n", "s3cret"},
		"cmd":                     {"s3cret \r\n", "s3cret"},
		"old Mac":                 {"s3cret\r", "s3cret"},
		"Notepad, UTF-8 with BOM": {"\xEF\xBB\xBFs3cret\r\n", "s3cret"},
		"PowerShell, UTF-16LE":    {utf16File(binary.LittleEndian, "s3cret\r\n"), "s3cret"},
		"UTF-16BE":                {utf16File(binary.BigEndian, "s3cret\n"), "s3cret"},
		"UTF-16, odd length":      {utf16File(binary.LittleEndian, "s3cret") + "x", ""},
		"UTF-16 without BOM":      {"s\x003\x00c\x00", ""},
		"Latin-1":                 {"s3cr\xe9t", ""},
		"binary":                  {"\x00\x01\x02", ""},
		"BOM alone":               {"\xEF\xBB\xBF", ""},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, path, c.content)
			k, err := secretfile.OpenKey(path)
			if (err == nil) != (c.want != "") {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if got, err := k.Read(); got != c.want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestLineEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, utf16File(binary.LittleEndian, "a 1 *\r\nb 2 *\rc 3 *\n"))
	expect(t, open(t, path), "a 1 *\nb 2 *\nc 3 *\n", 1)
}
