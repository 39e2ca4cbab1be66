package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrRunning is returned when another process runs a network in the folder.
var ErrRunning = errors.New("a network is running here already")

// lock takes the folder for this process. The system releases the lock when the process ends, also by a crash.
func lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(f.Name())
		_ = f.Close()
		return nil, fmt.Errorf("%w: process %s in %s. Use it, or stop it with ctrl-C in its terminal, "+
			"or give this one a folder of its own with --dir", ErrRunning, strings.TrimSpace(string(pid)), dir)
	}
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("network: %w", err), f.Close())
	}
	return f.Close, nil
}

// writePID replaces the content of the lock file with the number of this process.
func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}

// Running reports whether a process runs a network in the folder.
func Running(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
