package cache

import (
	"context"
	"slices"
)

// look takes over from Redis what the answer lacks, at most twice, and what other replicas know of the caller's right. All of that
// is one trip, unless the blocks are others than was thought. It reports whether any rows were found.
func (l *Logs) look(ctx context.Context, a *asked, lay laid) bool {
	rows := !a.caller.NoCache && a.looks < 2 && lay.state > aging
	if l.store == nil || a.caller.ForceAuthCheck || !rows && !a.unsure {
		return false
	}
	key := a.claim.grant()
	q := sought{view: a.view, grant: &key}
	if rows {
		a.looks++
		q.rows, q.sections = true, a.q.Sections
		q.gen, q.parts = l.guess(a, lay)
		if _, seen := l.seen.of(a.view.hash); !seen { // maybe there is no such group
			unknown := a.claim.unknown()
			q.unknown = &unknown
		}
	}
	out := l.store.look(ctx, q)
	a.unsure = false
	if out.answered {
		l.grants.heard(key, out.verdict)
		a.right = l.grants.local(key)
	}
	if out.unknown != nil {
		l.grants.unknown.Set(*q.unknown, *out.unknown)
		a.unknown = l.grants.toldUnknown(a.claim)
	}
	a.caller.Tally.RedisBytes.Add(out.bytes)
	return l.adopt(a, out)
}

// guess returns the blocks that the answer lacks. Where nothing is at hand that tells, they are those that it would lack if the log
// were as this process saw it last.
func (l *Logs) guess(a *asked, lay laid) (gen uint64, parts []part) {
	for _, w := range append(lay.need, lay.renew...) {
		if w.part >= 0 {
			parts = append(parts, w.part)
		}
	}
	if len(parts) > 0 {
		return a.track.gen, parts
	}
	t, ok := l.seen.of(a.view.hash)
	if !ok || a.q.Offset == 0 || a.q.Offset >= t.total {
		return 0, nil
	}
	hi := t.top() - a.q.Offset
	for _, n := range chain(hi, max(hi-a.q.Limit+1, t.expired)) {
		if n.top() <= t.top() {
			parts = append(parts, n)
		}
	}
	return t.gen, parts
}

// adopt takes over what was found where it is better than what is at hand.
func (l *Logs) adopt(a *asked, out found) bool {
	better := false
	if t := out.track; t != nil && (t.younger(a.track) || a.lacksHead(t)) {
		a.track, better = t, true
		l.memory.setTrack(a.view.hash, t)
		l.seen.note(a.view.hash, t)
		a.hit(l, t.head)
	}
	for n, p := range out.pieces {
		if kept := a.got[n]; kept == nil || p.at.After(kept.at) || !kept.sections.Has(p.sections) {
			a.keep(n, p)
			l.memory.setPiece(a.view.hash, n, p)
			a.hit(l, p)
			better = true
		}
	}
	return better
}

// lacksHead reports whether t is what is known already, with a head that has more.
func (a *asked) lacksHead(t *track) bool {
	return t.head != nil && t.at.Equal(a.track.at) && t.gen == a.track.gen &&
		(a.track.head == nil || a.track.head.stamp == t.head.stamp && !a.track.head.sections.Has(a.q.Sections))
}

func (a *asked) hit(l *Logs, p *piece) {
	if p == nil {
		return
	}
	if !slices.Contains(a.found, p) {
		a.found = append(a.found, p)
	}
	a.caller.Tally.RedisHits.Add(1)
	l.counters.redisHits.Add(1)
}

func (a *asked) keep(n part, p *piece) {
	if a.got == nil {
		a.got = map[part]*piece{}
	}
	a.got[n] = p
}
