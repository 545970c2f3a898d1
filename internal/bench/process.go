package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running program.
type process struct {
	*exec.Cmd
	address string
}

// ready is how long a process may take until it accepts connections.
const ready = 30 * time.Second

// start starts a program that listens on address, with its output in a file of dir, and waits until it accepts connections. It is killed when
// ctx ends.
func start(ctx context.Context, dir, name, address string, env []string, argv ...string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{cmd, address}
	if err := p.listening(ctx); err != nil {
		p.stop()
		text, _ := os.ReadFile(out.Name())
		return nil, fmt.Errorf("%s: %w\n%s", name, err, text)
	}
	return p, nil
}

// listening waits until the process accepts connections.
func (p *process) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return errors.New("does not listen")
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the process and waits for it. It is killed if it does not end within 5 s.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(5*time.Second, func() { _ = p.Process.Kill() })
	defer kill.Stop()
	_ = p.Wait() // how it ended is of no interest
}

// freeAddress returns a free address of this machine.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// resident returns the resident memory of a process, in MiB.
func (p *process) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	var total, pages int
	if _, err := fmt.Sscan(string(text), &total, &pages); err != nil {
		return 0, err
	}
	return float64(pages*os.Getpagesize()) / (1 << 20), nil
}

// cpu returns the CPU time that a process has used, in seconds.
func (p *process) cpu() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name of the program may have spaces
	fields := strings.Fields(rest)
	const utime, stime, ticksPerSecond = 11, 12, 100
	if len(fields) <= stime {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", p.Process.Pid, len(fields))
	}
	user, err1 := strconv.ParseFloat(fields[utime], 64)
	system, err2 := strconv.ParseFloat(fields[stime], 64)
	return (user + system) / ticksPerSecond, errors.Join(err1, err2)
}

// peak returns the highest resident memory that a process has had, in MiB.
func (p *process) peak() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseFloat(kib, 64)
	return n / 1024, err
}
