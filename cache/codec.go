package cache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"scalegraph/upstream"
)

// A cached segment is stored as one value for its summary and one for each heavy section:
//
//	version, flags, writeID (8 bytes), CRC-32C of the key and all else (4 bytes), payload (compressed if that is smaller)
//
// All values of one segment have the same writeID. A corrupt value is a miss.
const (
	codecVersion    = 3
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

func (c codec) encodeValue(key string, stamp uint64, payload []byte) []byte {
	flags := byte(0)
	if len(payload) >= minCompressSize {
		if small := c.encoder.EncodeAll(payload, nil); len(small) < len(payload) {
			flags, payload = flagCompressed, small
		}
	}
	return addHeader(key, flags, stamp, payload)
}

func addHeader(key string, flags byte, stamp uint64, payload []byte) []byte {
	b := make([]byte, 0, headerSize+len(payload))
	b = append(b, codecVersion, flags)
	b = binary.BigEndian.AppendUint64(b, stamp)
	b = binary.BigEndian.AppendUint32(b, checksum(key, b, payload))
	return append(b, payload...)
}

// checksum includes the key, so that a value that was copied to another key is rejected.
func checksum(key string, head, payload []byte) uint32 {
	s := crc32.Checksum([]byte(key), castagnoli)
	return crc32.Update(crc32.Update(s, castagnoli, head), castagnoli, payload)
}

func (c codec) decodeValue(key, value string) (stamp uint64, payload string, err error) {
	if len(value) < headerSize || value[0] != codecVersion {
		return 0, "", errCorrupt
	}
	b := []byte(value)
	stamp, payload = binary.BigEndian.Uint64(b[2:]), value[headerSize:]
	if checksum(key, b[:10], b[headerSize:]) != binary.BigEndian.Uint32(b[10:]) || value[1] > flagCompressed {
		return 0, "", errCorrupt
	}
	if value[1] == flagCompressed {
		plain, err := c.decoder.DecodeAll(b[headerSize:], nil)
		if err != nil {
			return 0, "", errCorrupt
		}
		payload = string(plain)
	}
	return stamp, payload, nil
}

// encodeSegment returns the value of the summary and those of the heavy sections.
func (c codec) encodeSegment(key string, seg *segment) (summary []byte, parts map[upstream.Sections][]byte) {
	parts = make(map[upstream.Sections][]byte, len(sectionFields))
	for _, f := range sectionFields {
		if seg.sections.Has(f.section) {
			parts[f.section] = c.encodeValue(key, seg.writeID, encodeSection(seg.rows, f.section))
		}
	}
	return c.encodeValue(key, seg.writeID, encodeSummary(seg)), parts
}

// decodeSegment decodes a segment with the given heavy sections. Its rows get the group g.
func (c codec) decodeSegment(key string, g upstream.Group, summary string, parts map[upstream.Sections]string) (*segment, error) {
	stamp, payload, err := c.decodeValue(key, summary)
	if err != nil {
		return nil, err
	}
	seg, err := decodeSummary(g, payload)
	if err != nil {
		return nil, err
	}
	seg.writeID, seg.sections = stamp, upstream.SectionDescriptions
	for section, value := range parts {
		of, payload, err := c.decodeValue(key, value)
		if err != nil {
			return nil, err
		}
		if of != stamp {
			return nil, errCorrupt // values of two writes
		}
		if err := decodeSection(seg.rows, section, payload); err != nil {
			return nil, err
		}
		seg.sections |= section
	}
	seg.weight = estimateSize(seg.rows)
	return seg, nil
}

func encodeSummary(seg *segment) []byte {
	w := writer{b: make([]byte, 0, 64+len(seg.rows)*160)}
	w.uint(seg.gen)
	for _, n := range []int{seg.newestRank, seg.total, seg.expired} {
		w.int(int64(n))
	}
	w.time(seg.at)
	w.time(seg.freshUntil)
	w.flags(seg.atHead, seg.atEnd, seg.immutable, seg.rankConfirmed)
	w.uint(uint64(len(seg.rows)))
	for _, row := range seg.rows {
		w.row(row)
	}
	return w.b
}

func decodeSummary(g upstream.Group, payload string) (*segment, error) {
	r := reader{s: payload}
	seg := &segment{gen: r.uint()}
	seg.newestRank, seg.total, seg.expired = r.rowCount(), r.rowCount(), r.rowCount()
	seg.at, seg.freshUntil = r.time(), r.time()
	r.flags(&seg.atHead, &seg.atEnd, &seg.immutable, &seg.rankConfirmed)
	n := r.count()
	seg.rows = make([]*upstream.Activity, 0, min(n, upstream.MaxLimit))
	rows := make([]upstream.Activity, min(n, upstream.MaxLimit))
	for i := range n {
		if r.failed || i >= len(rows) {
			return nil, errCorrupt
		}
		seg.rows = append(seg.rows, r.row(&rows[i], g))
	}
	if r.failed || r.s != "" || seg.gen == 0 || seg.at.IsZero() || !wellOrdered(seg.rows) || seg.newestRank < len(seg.rows)-1 || seg.total < len(seg.rows) {
		return nil, errCorrupt
	}
	return seg, nil
}

func (w *writer) row(a *upstream.Activity) {
	if w.flags(a != nil); a == nil {
		return
	}
	w.text(a.LogID)
	w.text(string(a.Type))
	w.text(a.RawType)
	w.text(string(a.Status))
	w.text(a.RawStatus)
	w.time(a.StartTime)
	w.time(a.EndTime)
	w.flags(a.InstanceValue != nil, a.DesireValue != nil, a.ScalingValue != nil, a.Description != nil)
	for _, n := range []*int32{a.InstanceValue, a.DesireValue, a.ScalingValue} {
		if n != nil {
			w.int(int64(*n))
		}
	}
	if a.Description != nil {
		w.text(*a.Description)
	}
	for _, n := range lengths(&a.Lengths) {
		w.int(int64(*n))
	}
}

func (r *reader) row(a *upstream.Activity, g upstream.Group) *upstream.Activity {
	var present bool
	if r.flags(&present); !present {
		return nil
	}
	a.Group = g
	a.LogID = r.text()
	a.Type, a.RawType = upstream.Type(r.text()), r.text()
	a.Status, a.RawStatus = upstream.Status(r.text()), r.text()
	a.StartTime, a.EndTime = r.time(), r.time()
	var instance, desire, scaling, description bool
	r.flags(&instance, &desire, &scaling, &description)
	a.InstanceValue, a.DesireValue, a.ScalingValue = r.optInt32(instance), r.optInt32(desire), r.optInt32(scaling)
	a.Description, a.Details.Sections = r.optText(description), upstream.SectionDescriptions
	for _, n := range lengths(&a.Lengths) {
		*n = r.int32()
	}
	if a.LogID == "" || a.StartTime.IsZero() {
		r.failed = true
	}
	return a
}

func lengths(l *upstream.Lengths) []*int32 {
	return []*int32{&l.Added, &l.Removed, &l.Deleted, &l.Failed, &l.Standby, &l.Bound, &l.BindFailed, &l.Unbound, &l.UnbindFailed}
}

// instances and balancers return the lists of a section.
func instances(d *upstream.Details, s upstream.Sections) []*[]*upstream.Instance {
	switch s {
	case upstream.SectionInstances:
		return []*[]*upstream.Instance{&d.Added, &d.Removed, &d.Deleted, &d.Standby}
	case upstream.SectionFailures:
		return []*[]*upstream.Instance{&d.Failed}
	}
	return nil
}

func balancers(d *upstream.Details, s upstream.Sections) []*[]*upstream.LoadBalancerChange {
	if s != upstream.SectionLoadBalancers {
		return nil
	}
	return []*[]*upstream.LoadBalancerChange{&d.Bound, &d.BindFailed, &d.Unbound, &d.UnbindFailed}
}

func encodeSection(rows []*upstream.Activity, s upstream.Sections) []byte {
	var w writer
	for _, row := range rows {
		if row == nil {
			continue
		}
		for _, list := range instances(&row.Details, s) {
			w.uint(uint64(len(*list)))
			for _, i := range *list {
				w.instance(i)
			}
		}
		for _, list := range balancers(&row.Details, s) {
			w.uint(uint64(len(*list)))
			for _, c := range *list {
				w.balancer(c)
			}
		}
	}
	return w.b
}

// decodeSection fills one section of rows that are not shared yet.
func decodeSection(rows []*upstream.Activity, s upstream.Sections, payload string) error {
	r := reader{s: payload}
	for _, row := range rows {
		if row == nil {
			continue
		}
		for _, list := range instances(&row.Details, s) {
			for range r.count() {
				*list = append(*list, r.instance())
			}
		}
		for _, list := range balancers(&row.Details, s) {
			for range r.count() {
				*list = append(*list, r.balancer())
			}
		}
		row.Details.Sections |= s
	}
	if r.failed || r.s != "" {
		return errCorrupt
	}
	return nil
}

func (w *writer) instance(i *upstream.Instance) {
	w.flags(i.ID != nil, i.Name != nil, i.Config != nil, i.Failure != nil)
	w.texts(i.ID, i.Name, i.Config)
	w.failure(i.Failure)
}

func (r *reader) instance() *upstream.Instance {
	var id, name, config, failed bool
	r.flags(&id, &name, &config, &failed)
	i := &upstream.Instance{ID: r.optText(id), Name: r.optText(name), Config: r.optText(config)}
	i.Failure = r.optFailure(failed)
	return i
}

func (w *writer) failure(f *upstream.Failure) {
	if f != nil {
		w.flags(f.Reason != nil, f.Details != nil)
		w.texts(f.Reason, f.Details)
	}
}

func (r *reader) optFailure(present bool) *upstream.Failure {
	if !present {
		return nil
	}
	var reason, details bool
	r.flags(&reason, &details)
	return &upstream.Failure{Reason: r.optText(reason), Details: r.optText(details)}
}

func (w *writer) balancer(c *upstream.LoadBalancerChange) {
	w.flags(c.LbaasListener != nil, c.ClassicListener != nil, c.Failure != nil)
	if l := c.LbaasListener; l != nil {
		w.flags(l.ListenerID != nil, l.PoolID != nil, l.ProtocolPort != nil, l.Weight != nil)
		w.texts(l.ListenerID, l.PoolID)
		for _, n := range []*int32{l.ProtocolPort, l.Weight} {
			if n != nil {
				w.int(int64(*n))
			}
		}
	}
	w.texts(c.ClassicListener)
	w.failure(c.Failure)
}

func (r *reader) balancer() *upstream.LoadBalancerChange {
	var listener, classic, failed bool
	r.flags(&listener, &classic, &failed)
	c := &upstream.LoadBalancerChange{}
	if listener {
		var id, pool, port, weight bool
		r.flags(&id, &pool, &port, &weight)
		c.LbaasListener = &upstream.LbaasListener{ListenerID: r.optText(id), PoolID: r.optText(pool)}
		c.LbaasListener.ProtocolPort, c.LbaasListener.Weight = r.optInt32(port), r.optInt32(weight)
	}
	c.ClassicListener = r.optText(classic)
	c.Failure = r.optFailure(failed)
	return c
}

// encodeState and decodeState omit the head. The writeID in the header identifies the head that belongs to the state.
func (c codec) encodeState(key string, st *logState) []byte {
	var w writer
	w.uint(st.gen)
	w.int(int64(st.total))
	w.int(int64(st.expired))
	w.time(st.at)
	w.time(st.unchangedSince)
	w.time(st.expiredConfirmedAt)
	w.int(int64(st.seq))
	w.flags(st.confirmed, st.anchorLost)
	stamp := uint64(0)
	if st.head != nil {
		stamp = st.head.writeID
	}
	return c.encodeValue(key, stamp, w.b)
}

func (c codec) decodeState(key, value string) (st *logState, head uint64, err error) {
	head, payload, err := c.decodeValue(key, value)
	if err != nil {
		return nil, 0, err
	}
	r := reader{s: payload}
	st = &logState{gen: r.uint(), total: r.rowCount(), expired: r.rowCount(), at: r.time(), unchangedSince: r.time(), expiredConfirmedAt: r.time(), seq: r.rowCount()}
	r.flags(&st.confirmed, &st.anchorLost)
	if r.failed || r.s != "" || st.gen == 0 || st.at.IsZero() {
		return nil, 0, errCorrupt
	}
	return st, head, nil
}

// writer appends values. reader consumes them; after the first invalid one failed is set and all further values are zero.
type writer struct{ b []byte }

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) texts(all ...*string) {
	for _, s := range all {
		if s != nil {
			w.text(*s)
		}
	}
}

// time writes nanoseconds since 1970, and 0 for the zero time.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.int(0)
		return
	}
	w.int(t.UnixNano())
}

func (w *writer) flags(all ...bool) {
	var bits byte
	for i, b := range all {
		if b {
			bits |= 1 << i
		}
	}
	w.b = append(w.b, bits)
}

type reader struct {
	s      string
	failed bool
	ints   []int32 // allocated for several rows at once, which have the same lifetime
}

func (r *reader) fail() { r.s, r.failed = "", true }

func (r *reader) uint() uint64 {
	var n uint64
	for i := range min(len(r.s), binary.MaxVarintLen64) {
		c := r.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// rowCount reads a number of rows.
func (r *reader) rowCount() int {
	n := r.int()
	if n < -1 || n > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) int32() int32 {
	n := r.int()
	if n != int64(int32(n)) {
		r.fail()
	}
	return int32(n)
}

func (r *reader) optInt32(present bool) *int32 {
	if !present {
		return nil
	}
	if len(r.ints) == 0 {
		r.ints = make([]int32, 60)
	}
	n := &r.ints[0]
	*n, r.ints = r.int32(), r.ints[1:]
	return n
}

// count reads the number of values that follow, each at least one byte long.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count()
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) optText(present bool) *string {
	if !present {
		return nil
	}
	s := r.text()
	return &s
}

func (r *reader) time() time.Time {
	n := r.int()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (r *reader) flags(all ...*bool) {
	if r.s == "" || r.s[0]>>len(all) != 0 {
		r.fail()
		return
	}
	for i, b := range all {
		*b = r.s[0]&(1<<i) != 0
	}
	r.s = r.s[1:]
}
