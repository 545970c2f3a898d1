package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// redis compares the product, which has nothing but Redis to keep pages in, with Redis itself giving as many bytes.
func (s *stage) redis() ([]*line, error) {
	pages := manyPages(func(group string) string { return page(group, 20, eightFields) })
	l, err := s.line("summaries from Redis, memory tier off", []goal{{against: "Redis GET", least: .35}},
		rival{"product", s.url("product over Redis"), pages[:100]})
	if err != nil {
		return nil, err
	}
	size, err := s.redisBytes(pages[0])
	if err != nil || size == 0 {
		fmt.Println("the product read nothing from Redis; that line is left out", err)
		return nil, nil
	}
	l.contenders = append(l.contenders, &contender{name: "Redis GET", once: func(ctx context.Context, _ int) (result, error) {
		return s.redisGet(ctx, size)
	}})
	return []*line{l}, nil
}

// redisBytes is how much the product reads from Redis for a page.
func (s *stage) redisBytes(body string) (int, error) {
	answer, err := ask(s.ctx, s.url("product over Redis"), body, "Scalegraph-Explain", "1")
	var told struct {
		Extensions struct {
			Explain struct{ RedisBytes int }
		}
	}
	if err == nil {
		err = json.Unmarshal(answer, &told)
	}
	return told.Extensions.Explain.RedisBytes, err
}

// redisGet drives Redis with its own benchmark, in two steps: the first tells how many requests fill the time.
func (s *stage) redisGet(ctx context.Context, size int) (result, error) {
	const probe = 20_000
	first, err := s.redisBenchmark(ctx, size, probe)
	if err != nil {
		return result{}, err
	}
	return s.redisBenchmark(ctx, size, int(first.perSecond()*s.length.Seconds()))
}

func (s *stage) redisBenchmark(ctx context.Context, size, requests int) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.length+30*time.Second)
	defer cancel()
	_, port, _ := strings.Cut(s.parts["Redis"].address, ":")
	out, err := exec.CommandContext(ctx, "redis-benchmark", "-h", "127.0.0.1", "-p", port, "-c", strconv.Itoa(s.connections),
		"-n", strconv.Itoa(requests), "-d", strconv.Itoa(size), "-t", "set,get", "--csv").Output()
	if err != nil {
		return result{}, fmt.Errorf("redis-benchmark: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		cells := strings.Split(strings.ReplaceAll(line, `"`, ""), ",")
		if cells[0] != "GET" || len(cells) < 6 {
			continue
		}
		perSecond, err := strconv.ParseFloat(cells[1], 64)
		if err != nil {
			return result{}, err
		}
		p50, err := strconv.ParseFloat(cells[4], 64)
		return result{Requests: requests, Micros: int(float64(requests) / perSecond * 1e6), P50: int(p50 * 1e3)}, err
	}
	return result{}, fmt.Errorf("redis-benchmark said nothing of GET:\n%s", out)
}
