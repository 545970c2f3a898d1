package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is something that the comparison started.
type process struct {
	*exec.Cmd
	address string
}

// ready is how long a process may take until it takes connections.
const ready = 30 * time.Second

// start starts a program that will listen on address, with its output in a file of dir, and waits until it does. It is killed when ctx
// ends.
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

// listening waits until the process takes connections.
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

// stop ends the process and waits for it; one that does not end by itself is killed.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(5*time.Second, func() { _ = p.Process.Kill() })
	defer kill.Stop()
	_ = p.Wait() // how it ended is of no interest
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// resident returns the memory that a process has, in MiB.
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
