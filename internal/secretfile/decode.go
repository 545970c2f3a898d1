package secretfile

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// decode returns a text file as UTF-8 without a byte order mark and with line ends \n. It reads UTF-8, and UTF-16 with a byte order
// mark, which PowerShell writes.
func decode(content []byte) ([]byte, error) {
	text := content
	switch {
	case bytes.HasPrefix(content, []byte{0xEF, 0xBB, 0xBF}):
		text = content[3:]
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}):
		text = fromUTF16(content[2:], binary.LittleEndian)
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}):
		text = fromUTF16(content[2:], binary.BigEndian)
	}
	if text == nil || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, errNotText
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n")), nil
}

// fromUTF16 returns nil if the number of bytes is odd.
func fromUTF16(content []byte, order binary.ByteOrder) []byte {
	if len(content)%2 != 0 {
		return nil
	}
	units := make([]uint16, len(content)/2)
	for i := range units {
		units[i] = order.Uint16(content[2*i:])
	}
	return append([]byte{}, string(utf16.Decode(units))...)
}
