// Package loopback allocates addresses on 127.0.0.1 for the servers of a development network or a test, whose addresses
// must be known before they listen and must stay theirs while they restart.
//
// Listening on port 0 is not enough: once the listener is closed, the system may give its port to an outgoing
// connection of any program. So ports come from below the range of outgoing connections, and a lock file per port keeps
// other processes that use this package away. Addr starts no goroutines; it holds its locks until the process ends.
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

// Ports are allocated from firstPort up to lastPort, without the last. Outgoing connections use ports from 32768 on
// Linux and from 49152 on macOS.
const firstPort, lastPort = 15000, 30000

// Addr returns an address that no program listens on, and reserves it for this process. It has the preferred port when
// that is not 0 and free, else any port.
func Addr(ctx context.Context, preferred int) (string, error) {
	if preferred != 0 {
		if addr, err := reserve(ctx, preferred); err == nil {
			return addr, nil
		}
	}
	const ports = lastPort - firstPort
	start := rand.IntN(ports) //nolint:gosec // spreads processes over the ports, protects nothing
	for i := range ports {
		if addr, err := reserve(ctx, firstPort+(start+i)%ports); err == nil {
			return addr, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	return "", errors.New("no port is free on 127.0.0.1")
}

// reserve locks a port for this process and checks that no program listens on it. The system releases the lock when the
// process ends, even after a crash.
func reserve(ctx context.Context, port int) (string, error) {
	dir := filepath.Join(os.TempDir(), "pari-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	const flags = syscall.O_CREAT | syscall.O_RDWR | syscall.O_CLOEXEC
	lock, err := syscall.Open(filepath.Join(dir, strconv.Itoa(port)), flags, 0o600)
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
