// Package loopback chooses addresses for servers of a development network or a test, which must be known before the server
// listens and stay its own while it is stopped for a moment.
//
// Asking the system for a free port and letting go of it is not enough: the next outgoing connection of any program may get
// that port, and a server that starts again then finds it taken. So ports come from below the range that systems give to
// outgoing connections, and a lock keeps other programs that choose here away until this one ends.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// The ports that are given out. Linux takes outgoing ports from 32768 on, macOS from 49152 on.
const first, last = 15000, 30000

// Addr returns an address on 127.0.0.1 that nobody listens on and that this process keeps as long as it runs: with the
// preferred port when that is not 0 and free, else with any.
func Addr(ctx context.Context, preferred int) (string, error) {
	if preferred != 0 {
		if addr, err := take(ctx, preferred); err == nil {
			return addr, nil
		}
	}
	start := rand.IntN(last - first) //nolint:gosec // spreads programs over the ports, guards nothing
	for i := range last - first {
		if addr, err := take(ctx, first+(start+i)%(last-first)); err == nil {
			return addr, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	return "", errors.New("no port is free on 127.0.0.1")
}

// take locks a port for this process and looks whether somebody listens on it. The lock is the process's: it ends with it,
// however it ends.
func take(ctx context.Context, port int) (string, error) {
	dir := filepath.Join(os.TempDir(), "pari-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := syscall.Open(filepath.Join(dir, strconv.Itoa(port)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return "", err
	}
	if err := syscall.Flock(lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", errors.Join(err, syscall.Close(lock))
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", errors.Join(fmt.Errorf("port %d: %w", port, err), syscall.Close(lock))
	}
	return addr, l.Close()
}
