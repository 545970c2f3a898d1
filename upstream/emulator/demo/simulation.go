package demo

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"time"

	"scalegraph/upstream/emulator"
)

// timeLayout is the form of times in descriptions.
const timeLayout = "2006-01-02T15:04:05Z"

// simulation generates the actions of one group. Equal seeds generate equal actions.
type simulation struct {
	plan    plan
	rng     *rand.Rand
	next    time.Time // when the next action starts
	members []emulator.Instance
	standby []emulator.Instance
	target  int // desired number of instances; there are fewer after failures
}

func newSimulation(p plan, seed uint64, from time.Time) *simulation {
	s := &simulation{plan: p, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), next: from}
	s.members = s.launch((p.minSize + p.maxSize) / 2)
	s.target = len(s.members)
	return s
}

// maxStandby bounds the instances in standby, which more actions enter than leave.
const maxStandby = 2

// limit returns the maximum number of members. Instances in standby count for the group's maximum, too.
func (s *simulation) limit() int { return s.plan.maxSize - len(s.standby) }

// weights has the frequency of each type in percent.
var weights = []struct {
	kind    string
	percent int
}{
	{emulator.Normal, 52}, {emulator.Diff, 12}, {emulator.ELBCheckDelete, 8}, {emulator.AuditCheckDelete, 5}, {emulator.ManualAdd, 6},
	{emulator.ManualRemove, 4}, {emulator.ManualDelete, 4}, {emulator.ModifyELB, 4}, {emulator.EnterStandby, 3}, {emulator.ExitStandby, 2},
}

// step returns the next action, as it will be after it has ended.
func (s *simulation) step() emulator.Row {
	r := emulator.Row{ID: s.uuid(), Type: s.kind(), Status: emulator.Success, Start: s.next}
	r.End = r.Start.Add(s.duration())
	s.perform(&r)
	if s.rng.Float64() >= s.plan.sameSecondRate {
		s.next = s.next.Add(s.between(s.plan.minInterval, s.plan.maxInterval))
	}
	return r
}

func (s *simulation) duration() time.Duration {
	if s.rng.Float64() < s.plan.longRate {
		return s.between(time.Hour, 3*time.Hour)
	}
	return s.between(s.plan.minDuration, s.plan.maxDuration)
}

// kind returns a random type that is possible in the current state.
func (s *simulation) kind() string {
	n := s.rng.IntN(100)
	for _, w := range weights {
		if n -= w.percent; n < 0 {
			return s.possible(w.kind)
		}
	}
	return emulator.Normal
}

func (s *simulation) possible(kind string) string {
	spare := len(s.members) > max(s.plan.minSize, 1)
	switch kind {
	case emulator.ELBCheckDelete, emulator.AuditCheckDelete, emulator.ManualRemove, emulator.ManualDelete:
		if !spare {
			return emulator.Normal
		}
	case emulator.EnterStandby:
		if !spare || len(s.standby) == maxStandby {
			return emulator.Normal
		}
	case emulator.ExitStandby:
		if len(s.standby) == 0 {
			return emulator.Normal
		}
	case emulator.ManualAdd:
		if len(s.members)+3 > s.limit() {
			return emulator.Normal
		}
	}
	return kind
}

func (s *simulation) between(low, high time.Duration) time.Duration {
	return (low + time.Duration(s.rng.Int64N(int64(high-low)+1))).Truncate(time.Second)
}

// uuid returns a random id, version 4.
func (s *simulation) uuid() string {
	var b [16]byte
	s.fill(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// hex32 returns 32 random hexadecimal digits, as request ids and the ids of classic listeners have.
func (s *simulation) hex32() string {
	var b [16]byte
	s.fill(b[:])
	return hex.EncodeToString(b[:])
}

func (s *simulation) fill(b []byte) {
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
}

// launch creates instances of the group's scaling configuration.
func (s *simulation) launch(n int) []emulator.Instance {
	made := make([]emulator.Instance, n)
	for i := range made {
		made[i] = emulator.Instance{ID: s.uuid(), Name: s.plan.config + "_" + s.suffix()}
	}
	return made
}

// suffix returns the random end of an instance's name, as in the sample.
func (s *simulation) suffix() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b [8]byte
	for i := range b {
		b[i] = letters[s.rng.IntN(len(letters))]
	}
	return string(b[:])
}

// marshal returns a value as JSON. It is for structs of texts and numbers, whose encoding cannot fail.
func marshal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
