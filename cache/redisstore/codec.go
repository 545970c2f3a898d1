package redisstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"scalegraph/cache/block"
	"scalegraph/internal/binenc"
	"scalegraph/upstream"
)

// A cached segment is stored as one value for its summary and one for each heavy section:
//
//	version, flags, writeID (8 bytes), CRC-32C of the key and all else (4 bytes), payload (compressed if that is smaller)
//
// All values of one segment have the same writeID. A corrupt value is a miss.
const (
	codecVersion    = 4
	flagCompressed  = 1
	headerSize      = 1 + 1 + 8 + 4
	minCompressSize = 256      // bytes; smaller values are not compressed
	maxPayload      = 64 << 20 // bytes of a decompressed value
)

var errCorrupt = errors.New("the cached value is corrupt")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec encodes, compresses and checks values. It is safe for concurrent use.
type codec struct {
	decoder *zstd.Decoder
	encoder *zstd.Encoder
}

func newCodec() codec {
	in, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err) // only invalid options fail
	}
	out, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return codec{in, out}
}

func (c codec) close() {
	c.decoder.Close()
	_ = c.encoder.Close() // nothing was streamed
}

func (c codec) encodeValue(key string, writeID uint64, payload []byte) []byte {
	flags := byte(0)
	if len(payload) >= minCompressSize {
		if small := c.encoder.EncodeAll(payload, nil); len(small) < len(payload) {
			flags, payload = flagCompressed, small
		}
	}
	return addHeader(key, flags, writeID, payload)
}

func addHeader(key string, flags byte, writeID uint64, payload []byte) []byte {
	b := make([]byte, 0, headerSize+len(payload))
	b = append(b, codecVersion, flags)
	b = binary.BigEndian.AppendUint64(b, writeID)
	b = binary.BigEndian.AppendUint32(b, Checksum(key, b, payload))
	return append(b, payload...)
}

// Checksum returns the CRC-32C of a key and of the parts of its value, so that a value that was copied to another key, perhaps of another
// credential, is rejected.
func Checksum(key string, parts ...[]byte) uint32 {
	sum := crc32.Checksum([]byte(key), castagnoli)
	for _, part := range parts {
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

func (c codec) decodeValue(key, value string) (writeID uint64, payload string, err error) {
	if len(value) < headerSize || value[0] != codecVersion {
		return 0, "", errCorrupt
	}
	b := []byte(value)
	writeID, payload = binary.BigEndian.Uint64(b[2:]), value[headerSize:]
	if Checksum(key, b[:10], b[headerSize:]) != binary.BigEndian.Uint32(b[10:]) || value[1] > flagCompressed {
		return 0, "", errCorrupt
	}
	if value[1] == flagCompressed {
		plain, err := c.decoder.DecodeAll(b[headerSize:], nil)
		if err != nil {
			return 0, "", errCorrupt
		}
		payload = string(plain)
	}
	return writeID, payload, nil
}

// encodeSegment returns the value of the summary and those of the heavy sections.
func (c codec) encodeSegment(key string, seg *block.Segment) (summary []byte, parts map[upstream.Sections][]byte) {
	parts = make(map[upstream.Sections][]byte, len(sectionFields))
	for _, f := range sectionFields {
		if seg.Sections.Has(f.section) {
			parts[f.section] = c.encodeValue(key, seg.WriteID, encodeSection(seg.Rows, f.section))
		}
	}
	return c.encodeValue(key, seg.WriteID, encodeSummary(seg)), parts
}

// decodeSegment decodes a segment with the given heavy sections. Its rows get the group g.
func (c codec) decodeSegment(key string, g upstream.Group, summary string, parts map[upstream.Sections]string) (*block.Segment, error) {
	writeID, payload, err := c.decodeValue(key, summary)
	if err != nil {
		return nil, err
	}
	seg, err := decodeSummary(g, payload)
	if err != nil {
		return nil, err
	}
	seg.WriteID, seg.Sections = writeID, upstream.SectionDescriptions
	for section, value := range parts {
		partID, payload, err := c.decodeValue(key, value)
		if err != nil {
			return nil, err
		}
		if partID != writeID {
			return nil, errCorrupt // values of two writes
		}
		if err := decodeSection(seg.Rows, section, payload); err != nil {
			return nil, err
		}
		seg.Sections |= section
	}
	seg.Weight = block.EstimateSize(seg.Rows)
	return seg, nil
}

// encodeState and decodeState omit the head. The writeID in the header identifies the head that belongs to the state.
func (c codec) encodeState(key string, st *block.State) []byte {
	var w binenc.Writer
	w.Uint(st.Gen)
	w.Int(int64(st.Total))
	w.Int(int64(st.Expired))
	w.Time(st.At)
	w.Time(st.UnchangedSince)
	w.Time(st.ExpiredConfirmedAt)
	w.Int(int64(st.Seq))
	w.Flags(st.Confirmed, st.AnchorLost)
	writeID := uint64(0)
	if st.Head != nil {
		writeID = st.Head.WriteID
	}
	return c.encodeValue(key, writeID, w)
}

func (c codec) decodeState(key, value string) (st *block.State, head uint64, err error) {
	head, payload, err := c.decodeValue(key, value)
	if err != nil {
		return nil, 0, err
	}
	r := binenc.NewReader(payload)
	st = &block.State{Gen: r.Uint(), Total: readRank(&r), Expired: readRank(&r), At: r.Time(), UnchangedSince: r.Time(), ExpiredConfirmedAt: r.Time(), Seq: readRank(&r)}
	r.Flags(&st.Confirmed, &st.AnchorLost)
	if !r.Done() || st.Gen == 0 || st.At.IsZero() {
		return nil, 0, errCorrupt
	}
	return st, head, nil
}
