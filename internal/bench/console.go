package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	pollInterval = 2 * time.Second
	walkPages    = 10 // of rowsPerPage rows
	rowsPerPage  = 20
	feedGroups   = 10
)

// console simulates the page of one user: it polls the newest rows of its group. Some also walk back through the log, a page with each poll, and
// some read a merged feed.
type console struct {
	number int
	system *system
	walk   walk
	log    consoleLog
	warm   bool // the warm-up has ended
}

// consoleLog holds the measurements of one console.
type consoleLog struct {
	latencies         []time.Duration
	failed            int
	failure           string // the first one
	repeated, skipped int    // rows of walks
}

// walk is the place in the log at which a console reads on.
type walk struct {
	page   int
	cursor string
	next   int // the rank of the next row; -1: not known yet
}

func (c *console) group() int { return c.number % fleetGroups }

// run polls until ctx ends. It measures only requests that start after the warm-up.
func (c *console) run(ctx context.Context, warmUntil time.Time) {
	c.walk.next = -1
	next := time.Now().Add(time.Duration(c.number) * pollInterval / fleetConsoles) // consoles poll at times of their own
	wait := time.NewTimer(time.Until(next))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		next = next.Add(pollInterval)
		if !c.warm && time.Now().After(warmUntil) {
			c.warm, c.log = true, consoleLog{}
		}
		c.poll(ctx)
		wait.Reset(max(0, time.Until(next)))
	}
}

func (c *console) poll(ctx context.Context) {
	c.send(ctx, c.system.poll(groupID(c.group())))
	if c.number%5 == 0 {
		c.walkOn(ctx)
	}
	if c.number%10 == 1 {
		groups := make([]string, feedGroups)
		for i := range groups {
			groups[i] = groupID((c.group() + i) % fleetGroups)
		}
		c.send(ctx, c.system.feed(groups))
	}
}

// walkOn reads the next page of the walk, and begins a new one after the last.
func (c *console) walkOn(ctx context.Context) {
	w := &c.walk
	text := c.send(ctx, c.system.walk(groupID(c.group()), w.page, w.cursor))
	if text == nil {
		return
	}
	for _, rank := range ranksOf(text) {
		c.checkRow(rank)
	}
	w.page, w.cursor = w.page+1, cursorOf(text)
	if w.page == walkPages {
		*w = walk{next: -1}
	}
}

// checkRow compares the next row of a walk with the one before it: between them there must be none.
func (c *console) checkRow(rank int) {
	next := c.walk.next
	if next >= 0 && rank > next {
		c.log.repeated++
		return
	}
	if next >= 0 {
		c.log.skipped += next - rank
	}
	c.walk.next = rank - 1
}

// send sends a request with the console's token to any replica, and returns the response; nil if it failed.
func (c *console) send(ctx context.Context, body string) []byte {
	url := c.system.urls[rand.IntN(len(c.system.urls))]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		c.log.failed++
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", consoleToken(c.number))
	for headers := requestHeaders(rand.IntN(1 << 40)); len(headers) > 0; headers = headers[2:] {
		req.Header.Set(headers[0], headers[1])
	}
	start := time.Now()
	resp, err := client.Do(req)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if ctx.Err() != nil {
		return nil // the end of the measurement
	}
	c.log.latencies = append(c.log.latencies, time.Since(start))
	if err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
		c.fail(text, err)
		return nil
	}
	return text
}

// fail counts a failed request, and remembers why the first one failed.
func (c *console) fail(text []byte, err error) {
	if c.log.failed++; c.log.failed > 1 {
		return
	}
	c.log.failure = fmt.Sprintf("%.300s", text)
	if err != nil {
		c.log.failure = err.Error()
	}
}

var (
	rowPattern    = regexp.MustCompile(`"(?:logId|id)":\s*"00000000-0000-4000-8000-(\d{12})"`)
	cursorPattern = regexp.MustCompile(`"endCursor":\s*"([^"]*)"`)
)

// ranksOf returns the ranks of the rows of a response in their order.
func ranksOf(text []byte) []int {
	var ranks []int
	for _, match := range rowPattern.FindAllSubmatch(text, -1) {
		number, _ := strconv.Atoi(string(match[1])) // digits only
		ranks = append(ranks, number%ranksPerGroup)
	}
	return ranks
}

func cursorOf(text []byte) string {
	if match := cursorPattern.FindSubmatch(text); match != nil {
		return string(match[1])
	}
	return ""
}
