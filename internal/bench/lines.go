package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// placeholder is a number that each request chooses for itself, see wrk/ask.lua.
var placeholder = regexp.MustCompile(`@[a-z]+:(\d+)-\d+@`)

// line is one line of the table: contenders that do the same work, the product first.
type line struct {
	name       string
	contenders []*contender
	goals      []goal
}

// contender is one of a line, and what was measured of it.
type contender struct {
	name    string
	once    func(ctx context.Context, round int) (result, error)
	results []result
}

// goal is what the product shall reach: at least so many times what another contender does, or answers within so many milliseconds.
type goal struct {
	against string
	least   float64
	p50     float64
}

// rival is a contender before it is made: a URL and what it is asked.
type rival struct {
	name, url string
	bodies    []string
}

func (s *stage) line(name string, goals []goal, rivals ...rival) (*line, error) {
	l := &line{name: name, goals: goals}
	for _, r := range rivals {
		load, err := s.load(name+" "+r.name, r.url, r.bodies)
		if err != nil {
			return nil, err
		}
		l.contenders = append(l.contenders, &contender{name: r.name, once: func(ctx context.Context, round int) (result, error) {
			load.seed = round
			return drive(ctx, load)
		}})
	}
	return l, nil
}

// lines are those of the table, less those that the options leave out.
func (s *stage) lines() ([]*line, error) {
	var lines []*line
	for _, add := range []func() ([]*line, error){s.cached, s.uncached, s.redis, s.growth} {
		more, err := add()
		if err != nil {
			return nil, err
		}
		for _, l := range more {
			if strings.Contains(l.name, s.only) {
				lines = append(lines, l)
			}
		}
	}
	return lines, nil
}

func (s *stage) cached() ([]*line, error) {
	product, tailcall, bare := s.url("product"), s.url("Tailcall"), "http://"+s.parts["bare handler"].address
	return gather(
		func() (*line, error) {
			ours := []string{page(groupID(0), 20, eightFields)}
			return s.line("20 rows, 8 fields, same query, cached", []goal{{against: "Tailcall", least: 1.1}, {against: "bare handler", least: .65}},
				rival{"product", product, ours},
				rival{"Tailcall", tailcall, []string{tailcallPage("logs", groupID(0), 20, eightMembers)}},
				rival{"bare handler", bare + "/eight.answer", ours})
		},
		func() (*line, error) {
			ours := []string{page(groupID(0), 100, everyField)}
			return s.line("100 rows, every field, same query, cached", []goal{{against: "Tailcall", least: 2}, {against: "bare handler", least: .65}},
				rival{"product", product, ours},
				rival{"Tailcall", tailcall, []string{tailcallPage("logs", groupID(0), 100, everyMember)}},
				rival{"bare handler", bare + "/every.answer", ours})
		},
		func() (*line, error) {
			return s.line("no two requests alike, cached", []goal{{against: "plain gqlgen", least: 4}},
				rival{"product", product, varied()}, rival{"plain gqlgen", s.url("plain"), varied()})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, cached", []goal{{against: "Tailcall", least: 1.1}},
				rival{"product", product, []string{several(1)}}, rival{"Tailcall", tailcall, []string{tailcallSeveral("logs", 1)}})
		},
	)
}

// uncached asks for other groups in turn, so that no two requests under way share an upstream call.
func (s *stage) uncached() ([]*line, error) {
	product, tailcall := s.url("product without caches"), s.url("Tailcall")
	cold := func(n int) string { return tailcallSeveral("cold", n) }
	return gather(
		func() (*line, error) {
			return s.line("20 rows, caches off", []goal{{against: "Tailcall", least: 1}},
				rival{"product", product, manyPages(func(group string) string { return page(group, 20, eightFields) })},
				rival{"Tailcall", tailcall, manyPages(func(group string) string { return tailcallPage("cold", group, 20, eightMembers) })})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, caches off", []goal{{against: "Tailcall", least: 1}},
				rival{"product", product, manySeveral(several)}, rival{"Tailcall", tailcall, manySeveral(cold)})
		},
		// By default 64 upstream calls may be under way at once, which are those of 6 such queries.
		func() (*line, error) {
			few := *s
			few.connections = 4
			return few.line("10 groups x 10 rows, upstream takes 50 ms, 4 connections", []goal{{p50: 65}},
				rival{"product", s.url("product far away"), manySeveral(several)})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, upstream takes 50 ms, 400 calls at once", []goal{{p50: 65}},
				rival{"product", s.url("wide product far away"), manySeveral(several)})
		},
	)
}

// growth measures the cost of a cached page at three depths, in logs of three lengths, and with three numbers of groups in the cache.
func (s *stage) growth() ([]*line, error) {
	var makers []func() (*line, error)
	product, longest := s.url("product"), longRows[len(longRows)-1]
	flat := func(name string, rivals ...rival) {
		goals := []goal{{against: rivals[1].name, least: .8}, {against: rivals[2].name, least: .8}}
		makers = append(makers, func() (*line, error) { return s.line(name, goals, rivals...) })
	}
	at := func(row int) rival {
		return rival{fmt.Sprintf("at row %d", row), product, []string{deep(longID(longest), row, row+400)}}
	}
	of := func(rows int) rival {
		return rival{fmt.Sprintf("of %d rows", rows), product, []string{deep(longID(rows), 200, 600)}}
	}
	over := func(n int) rival {
		pages := manyPages(func(group string) string { return deep(group, 10, 60) })
		return rival{fmt.Sprintf("%d groups", n), product, pages[:n]}
	}
	flat("growth with the depth of the page", at(90_000), at(9_000), at(200))
	flat("growth with the length of the log", of(longRows[2]), of(longRows[1]), of(longRows[0]))
	flat("growth with the groups cached", over(160), over(40), over(10)) // 160 fill the cache, and still fit
	return gather(makers...)
}

func gather(makers ...func() (*line, error)) ([]*line, error) {
	var lines []*line
	for _, makeLine := range makers {
		l, err := makeLine()
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}
