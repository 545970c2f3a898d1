package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func speeds(name string, perSecond ...int) *contender {
	c := &contender{name: name}
	for _, n := range perSecond {
		c.results = append(c.results, result{Requests: n, Micros: 1e6, P50: 2000})
	}
	return c
}

func TestReadResult(t *testing.T) {
	r, err := readResult([]byte("Running 2s test\n  thread stats\n\n{\"requests\": 500, \"micros\": 2000000, \"p50\": 800, \"p99\": 900, \"errors\": 0}\n"))
	if err != nil || r.perSecond() != 250 || r.millis() != .8 {
		t.Errorf("%+v %v", r, err)
	}
	for name, out := range map[string]string{
		"nothing":    "Running 2s test\n",
		"errors":     `{"requests": 500, "micros": 2000000, "errors": 3}` + "\n",
		"no request": `{"requests": 0, "micros": 2000000, "errors": 0}` + "\n",
	} {
		if _, err := readResult([]byte(out)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What slows one round down slows all contenders of it, so ratios are taken round by round.
func TestRatioIsThatOfTheRounds(t *testing.T) {
	if got := ratio(speeds("a", 300, 30, 310), speeds("b", 100, 10, 100)); got != 3 {
		t.Errorf("%v", got)
	}
}

func TestReportJudges(t *testing.T) {
	lines := []*line{
		{name: "fast", contenders: []*contender{speeds("product", 200), speeds("peer", 100)}, goals: []goal{{against: "peer", min: 2}, {p50: 3}}},
		{name: "slow", contenders: []*contender{speeds("product", 90), speeds("peer", 100)}, goals: []goal{{against: "peer", min: 1}}},
	}
	var out bytes.Buffer
	report(&out, lines)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "fast") && (!strings.Contains(line, "2.00, 2.00") || !strings.Contains(line, "| met")) ||
			strings.HasPrefix(line, "slow") && (!strings.Contains(line, "0.90") || !strings.Contains(line, "MISSED")) {
			t.Error(line)
		}
	}
}

// Bodies are JSON once every placeholder is a number.
func TestBodiesAreJSON(t *testing.T) {
	for _, body := range append(varied(), deep(groupID(0), 10, 60), several(1), tailcallSeveral("logs", 1), page(groupID(0), 20, everyField)) {
		text := placeholder.ReplaceAllString(body, "$1")
		if strings.Contains(text, "@") || !jsonObject(text) {
			t.Error(text)
		}
	}
}

func jsonObject(text string) bool { return json.Valid([]byte(text)) && strings.HasPrefix(text, "{") }

// A walk counts a row that comes again, and every row that is missing.
func TestWalksAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		ranks             []int
		repeated, skipped int
	}{
		"whole":    {[]int{9, 8, 7, 6}, 0, 0},
		"repeated": {[]int{9, 8, 8, 7}, 1, 0},
		"skipped":  {[]int{9, 8, 5, 4}, 0, 2},
	} {
		c := &console{walk: walk{next: -1}}
		for _, rank := range test.ranks {
			c.checkRow(rank)
		}
		if c.log.repeated != test.repeated || c.log.skipped != test.skipped {
			t.Errorf("%s: %d repeated, %d skipped", name, c.log.repeated, c.log.skipped)
		}
	}
	text := `{"nodes":[{"logId":"` + fleetRow(3, 401) + `"},{"id": "` + fleetRow(3, 400) + `"}],"pageInfo":{"endCursor":"abc"}}`
	if ranks := ranksOf([]byte(text)); len(ranks) != 2 || ranks[0] != 401 || ranks[1] != 400 || cursorOf([]byte(text)) != "abc" {
		t.Errorf("%v %q", ranks, cursorOf([]byte(text)))
	}
}
