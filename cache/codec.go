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

// A kept piece is written as one value for its summary and one for each heavy part:
//
//	version, flags, stamp (8 bytes), CRC-32C of the key and all else (4 bytes), the rest (compressed if that is smaller)
//
// All values of one piece have the same stamp. Whatever cannot be read is a miss.
const (
	codecVersion   = 3
	flagCompressed = 1
	envelope       = 1 + 1 + 8 + 4
	worthwhile     = 256      // bytes below which nothing is compressed
	maxPayload     = 64 << 20 // bytes of a decompressed value
)

var errUnreadable = errors.New("a kept value cannot be read")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// codec compresses; it may be used by many goroutines.
type codec struct {
	in  *zstd.Decoder
	out *zstd.Encoder
}

func newCodec() codec {
	in, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err) // only wrong options fail
	}
	out, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return codec{in, out}
}

func (c codec) close() {
	c.in.Close()
	_ = c.out.Close() // nothing was streamed
}

func (c codec) seal(key string, stamp uint64, payload []byte) []byte {
	flags := byte(0)
	if len(payload) >= worthwhile {
		if small := c.out.EncodeAll(payload, nil); len(small) < len(payload) {
			flags, payload = flagCompressed, small
		}
	}
	return wrap(key, flags, stamp, payload)
}

func wrap(key string, flags byte, stamp uint64, payload []byte) []byte {
	b := make([]byte, 0, envelope+len(payload))
	b = append(b, codecVersion, flags)
	b = binary.BigEndian.AppendUint64(b, stamp)
	b = binary.BigEndian.AppendUint32(b, sum(key, b, payload))
	return append(b, payload...)
}

// sum binds a value to its key: a value that was copied to another key is unreadable there.
func sum(key string, head, payload []byte) uint32 {
	s := crc32.Checksum([]byte(key), castagnoli)
	return crc32.Update(crc32.Update(s, castagnoli, head), castagnoli, payload)
}

func (c codec) open(key, value string) (stamp uint64, payload string, err error) {
	if len(value) < envelope || value[0] != codecVersion {
		return 0, "", errUnreadable
	}
	b := []byte(value)
	stamp, payload = binary.BigEndian.Uint64(b[2:]), value[envelope:]
	if sum(key, b[:10], b[envelope:]) != binary.BigEndian.Uint32(b[10:]) || value[1] > flagCompressed {
		return 0, "", errUnreadable
	}
	if value[1] == flagCompressed {
		plain, err := c.in.DecodeAll(b[envelope:], nil)
		if err != nil {
			return 0, "", errUnreadable
		}
		payload = string(plain)
	}
	return stamp, payload, nil
}

// encodePiece returns the value of the summary and those of the heavy parts.
func (c codec) encodePiece(key string, p *piece) (summary []byte, parts map[upstream.Sections][]byte) {
	parts = make(map[upstream.Sections][]byte, len(sectionFields))
	for _, f := range sectionFields {
		if p.sections.Has(f.section) {
			parts[f.section] = c.seal(key, p.stamp, encodeSection(p.rows, f.section))
		}
	}
	return c.seal(key, p.stamp, encodeSummary(p)), parts
}

// decodePiece reads a piece with the heavy parts that are given. The rows are of the group.
func (c codec) decodePiece(key string, g upstream.Group, summary string, parts map[upstream.Sections]string) (*piece, error) {
	stamp, payload, err := c.open(key, summary)
	if err != nil {
		return nil, err
	}
	p, err := decodeSummary(g, payload)
	if err != nil {
		return nil, err
	}
	p.stamp, p.sections = stamp, upstream.SectionDescriptions
	for section, value := range parts {
		of, payload, err := c.open(key, value)
		if err != nil {
			return nil, err
		}
		if of != stamp {
			return nil, errUnreadable // parts of two generations
		}
		if err := decodeSection(p.rows, section, payload); err != nil {
			return nil, err
		}
		p.sections |= section
	}
	p.weight = weigh(p.rows)
	return p, nil
}

func encodeSummary(p *piece) []byte {
	w := writer{b: make([]byte, 0, 64+len(p.rows)*160)}
	w.uint(p.gen)
	for _, n := range []int{p.first, p.total, p.expired} {
		w.int(int64(n))
	}
	w.time(p.at)
	w.time(p.until)
	w.bools(p.newest, p.oldest, p.fixed, p.sure)
	w.uint(uint64(len(p.rows)))
	for _, row := range p.rows {
		w.row(row)
	}
	return w.b
}

func decodeSummary(g upstream.Group, payload string) (*piece, error) {
	r := reader{s: payload}
	p := &piece{gen: r.uint()}
	p.first, p.total, p.expired = r.place(), r.place(), r.place()
	p.at, p.until = r.time(), r.time()
	r.bools(&p.newest, &p.oldest, &p.fixed, &p.sure)
	n := r.count()
	p.rows = make([]*upstream.Activity, 0, min(n, upstream.MaxLimit))
	rows := make([]upstream.Activity, min(n, upstream.MaxLimit))
	for i := range n {
		if r.bad || i >= len(rows) {
			return nil, errUnreadable
		}
		p.rows = append(p.rows, r.row(&rows[i], g))
	}
	if r.bad || r.s != "" || p.gen == 0 || p.at.IsZero() || !orderly(p.rows) || p.first < len(p.rows)-1 || p.total < len(p.rows) {
		return nil, errUnreadable
	}
	return p, nil
}

func (w *writer) row(a *upstream.Activity) {
	if w.bools(a != nil); a == nil {
		return
	}
	w.text(a.LogID)
	w.text(string(a.Type))
	w.text(a.RawType)
	w.text(string(a.Status))
	w.text(a.RawStatus)
	w.time(a.StartTime)
	w.time(a.EndTime)
	w.bools(a.InstanceValue != nil, a.DesireValue != nil, a.ScalingValue != nil, a.Description != nil)
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
	var there bool
	if r.bools(&there); !there {
		return nil
	}
	a.Group = g
	a.LogID = r.text()
	a.Type, a.RawType = upstream.Type(r.text()), r.text()
	a.Status, a.RawStatus = upstream.Status(r.text()), r.text()
	a.StartTime, a.EndTime = r.time(), r.time()
	var instance, desire, scaling, description bool
	r.bools(&instance, &desire, &scaling, &description)
	a.InstanceValue, a.DesireValue, a.ScalingValue = r.number(instance), r.number(desire), r.number(scaling)
	a.Description, a.Details.Sections = r.textIf(description), upstream.SectionDescriptions
	for _, n := range lengths(&a.Lengths) {
		*n = r.int32()
	}
	if a.LogID == "" || a.StartTime.IsZero() {
		r.bad = true
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

// decodeSection fills one section of rows that nobody else has yet.
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
	if r.bad || r.s != "" {
		return errUnreadable
	}
	return nil
}

func (w *writer) instance(i *upstream.Instance) {
	w.bools(i.ID != nil, i.Name != nil, i.Config != nil, i.Failure != nil)
	w.texts(i.ID, i.Name, i.Config)
	w.failure(i.Failure)
}

func (r *reader) instance() *upstream.Instance {
	var id, name, config, failed bool
	r.bools(&id, &name, &config, &failed)
	i := &upstream.Instance{ID: r.textIf(id), Name: r.textIf(name), Config: r.textIf(config)}
	i.Failure = r.failureIf(failed)
	return i
}

func (w *writer) failure(f *upstream.Failure) {
	if f != nil {
		w.bools(f.Reason != nil, f.Details != nil)
		w.texts(f.Reason, f.Details)
	}
}

func (r *reader) failureIf(there bool) *upstream.Failure {
	if !there {
		return nil
	}
	var reason, details bool
	r.bools(&reason, &details)
	return &upstream.Failure{Reason: r.textIf(reason), Details: r.textIf(details)}
}

func (w *writer) balancer(c *upstream.LoadBalancerChange) {
	w.bools(c.LbaasListener != nil, c.ClassicListener != nil, c.Failure != nil)
	if l := c.LbaasListener; l != nil {
		w.bools(l.ListenerID != nil, l.PoolID != nil, l.ProtocolPort != nil, l.Weight != nil)
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
	r.bools(&listener, &classic, &failed)
	c := &upstream.LoadBalancerChange{}
	if listener {
		var id, pool, port, weight bool
		r.bools(&id, &pool, &port, &weight)
		c.LbaasListener = &upstream.LbaasListener{ListenerID: r.textIf(id), PoolID: r.textIf(pool)}
		c.LbaasListener.ProtocolPort, c.LbaasListener.Weight = r.number(port), r.number(weight)
	}
	c.ClassicListener = r.textIf(classic)
	c.Failure = r.failureIf(failed)
	return c
}

// encodeTrack and decodeTrack write a track without its head, whose stamp tells which one goes with it.
func (c codec) encodeTrack(key string, t *track) []byte {
	var w writer
	w.uint(t.gen)
	w.int(int64(t.total))
	w.int(int64(t.expired))
	w.time(t.at)
	w.time(t.since)
	w.time(t.proven)
	w.int(int64(t.seq))
	w.bools(t.confirmed, t.lost)
	stamp := uint64(0)
	if t.head != nil {
		stamp = t.head.stamp
	}
	return c.seal(key, stamp, w.b)
}

func (c codec) decodeTrack(key, value string) (t *track, head uint64, err error) {
	head, payload, err := c.open(key, value)
	if err != nil {
		return nil, 0, err
	}
	r := reader{s: payload}
	t = &track{gen: r.uint(), total: r.place(), expired: r.place(), at: r.time(), since: r.time(), proven: r.time(), seq: r.place()}
	r.bools(&t.confirmed, &t.lost)
	if r.bad || r.s != "" || t.gen == 0 || t.at.IsZero() {
		return nil, 0, errUnreadable
	}
	return t, head, nil
}

// writer appends; reader takes off the front and turns bad, for good, at the first thing that cannot be.
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

func (w *writer) bools(all ...bool) {
	var bits byte
	for i, b := range all {
		if b {
			bits |= 1 << i
		}
	}
	w.b = append(w.b, bits)
}

type reader struct {
	s    string
	bad  bool
	ints []int32 // room for the numbers of some rows, which are kept and let go together
}

func (r *reader) fail() { r.s, r.bad = "", true }

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

// place reads a number of rows.
func (r *reader) place() int {
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

func (r *reader) number(there bool) *int32 {
	if !there {
		return nil
	}
	if len(r.ints) == 0 {
		r.ints = make([]int32, 60)
	}
	n := &r.ints[0]
	*n, r.ints = r.int32(), r.ints[1:]
	return n
}

// count reads how many things follow, each at least a byte long.
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

func (r *reader) textIf(there bool) *string {
	if !there {
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

func (r *reader) bools(all ...*bool) {
	if r.s == "" || r.s[0]>>len(all) != 0 {
		r.fail()
		return
	}
	for i, b := range all {
		*b = r.s[0]&(1<<i) != 0
	}
	r.s = r.s[1:]
}
