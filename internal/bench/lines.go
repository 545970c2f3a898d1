package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// placeholder stands for a number that differs between requests, see wrk/requests.lua.
var placeholder = regexp.MustCompile(`@[a-z]+:(\d+)-\d+@`)

// line is one line of the table: contenders that do the same work, beginning with the product.
type line struct {
	name       string
	contenders []*contender
	goals      []goal
}

// contender is a program of a line with its results.
type contender struct {
	name    string
	once    func(ctx context.Context, round int) (result, error)
	results []result
}

// goal is a minimum for the throughput of the product as a multiple of that of another contender, or a maximum for its median latency in
// milliseconds.
type goal struct {
	against string
	min     float64
	p50     float64
}

// target is the URL of a contender and the bodies that it is sent. An empty URL means that the contender is not installed.
type target struct {
	name, url string
	bodies    []string
}

func (s *stage) line(name string, goals []goal, targets ...target) (*line, error) {
	l := &line{name: name, goals: goals}
	for _, r := range targets {
		if r.url == "" {
			continue
		}
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

// lines returns the lines of the table that match the option -only.
func (s *stage) lines() ([]*line, error) {
	var lines []*line
	for _, add := range []func() ([]*line, error){s.cached, s.uncached, s.sharedPages, s.growth} {
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
	product, tailcall := s.url("product"), s.url("Tailcall")
	return gather(
		func() (*line, error) {
			ours := []string{page(groupID(0), 20, eightFields)}
			return s.line("20 rows, 8 fields, same query, cached", []goal{{against: "Tailcall", min: 1.5}, {against: "bare handler", min: .85}},
				target{"product", product, ours},
				target{"Tailcall", tailcall, []string{tailcallPage("logs", groupID(0), 20, eightMembers)}},
				target{"bare handler", s.fileURL("bare handler", "eight"), ours},
				target{"nginx", s.fileURL("nginx", "eight"), ours})
		},
		func() (*line, error) {
			ours := []string{page(groupID(0), 100, everyField)}
			return s.line("100 rows, every field, same query, cached", []goal{{against: "Tailcall", min: 1.9}, {against: "bare handler", min: .85}},
				target{"product", product, ours},
				target{"Tailcall", tailcall, []string{tailcallPage("logs", groupID(0), 100, everyMember)}},
				target{"bare handler", s.fileURL("bare handler", "every"), ours},
				target{"nginx", s.fileURL("nginx", "every"), ours})
		},
		func() (*line, error) {
			return s.line("no two requests alike, cached", []goal{{against: "plain gqlgen", min: 5}},
				target{"product", product, varied()}, target{"plain gqlgen", s.url("plain"), varied()})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, cached", []goal{{against: "Tailcall", min: 1.5}},
				target{"product", product, []string{several(1)}}, target{"Tailcall", tailcall, []string{tailcallSeveral("logs", 1)}})
		},
	)
}

// uncached requests the groups in turn, so that no two requests in flight share an upstream call.
func (s *stage) uncached() ([]*line, error) {
	product, tailcall := s.url("product without caches"), s.url("Tailcall")
	cold := func(n int) string { return tailcallSeveral("cold", n) }
	return gather(
		func() (*line, error) {
			return s.line("20 rows, caches off", []goal{{against: "Tailcall", min: .85}},
				target{"product", product, manyPages(func(group string) string { return page(group, 20, eightFields) })},
				target{"Tailcall", tailcall, manyPages(func(group string) string { return tailcallPage("cold", group, 20, eightMembers) })})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, caches off", []goal{{against: "Tailcall", min: 1.3}},
				target{"product", product, manySeveral(several)}, target{"Tailcall", tailcall, manySeveral(cold)})
		},
		// One caller has a quarter of the 64 slots for upstream calls by default, which is enough for one such query.
		func() (*line, error) {
			few := *s
			few.connections = 1
			return few.line("10 groups x 10 rows, upstream takes 50 ms, 1 connection", []goal{{p50: 60}},
				target{"product", s.url("product far away"), manySeveral(several)})
		},
		func() (*line, error) {
			return s.line("10 groups x 10 rows, upstream takes 50 ms, 1600 slots", []goal{{p50: 60}},
				target{"product", s.url("wide product far away"), manySeveral(several)})
		},
	)
}

// growth measures the cost of a cached page at three depths, in logs of three lengths, and with three numbers of groups in the cache.
func (s *stage) growth() ([]*line, error) {
	var makers []func() (*line, error)
	product, longest := s.url("product"), longRows[len(longRows)-1]
	flat := func(name string, targets ...target) {
		goals := []goal{{against: targets[1].name, min: .8}, {against: targets[2].name, min: .8}}
		makers = append(makers, func() (*line, error) { return s.line(name, goals, targets...) })
	}
	at := func(row int) target {
		return target{fmt.Sprintf("at row %d", row), product, []string{deep(longID(longest), row, row+400)}}
	}
	of := func(rows int) target {
		return target{fmt.Sprintf("of %d rows", rows), product, []string{deep(longID(rows), 200, 600)}}
	}
	over := func(n int) target {
		pages := manyPages(func(group string) string { return deep(group, 10, 60) })
		return target{fmt.Sprintf("%d groups", n), product, pages[:n]}
	}
	flat("growth with the depth of the page", at(90_000), at(9_000), at(200))
	flat("growth with the length of the log", of(longRows[2]), of(longRows[1]), of(longRows[0]))
	flat("growth with the groups cached", over(160), over(40), over(10)) // 160 groups fill the cache and fit into it
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
