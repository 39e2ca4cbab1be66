//go:build !linux

package pglocal

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// unprivileged makes cmd run in a process group of its own. It is an error for root, as which Postgres refuses to run.
func unprivileged(cmd *exec.Cmd, _ string) error {
	if os.Geteuid() == 0 {
		return errors.New("PostgreSQL does not run as root here: start this as an ordinary user")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return nil
}

// launch starts cmd and calls onExit when it has ended.
func launch(cmd *exec.Cmd, onExit func()) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait()
		onExit()
	}()
	return nil
}

// killGroup kills a process and its children.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
