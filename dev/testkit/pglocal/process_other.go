//go:build !linux

package pglocal

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// unprivileged prepares cmd to run in a process group of its own. Postgres refuses to run as root.
func unprivileged(cmd *exec.Cmd, _ string) error {
	if os.Geteuid() == 0 {
		return errors.New("PostgreSQL does not run as root here: start this as an ordinary user")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return nil
}

func launch(cmd *exec.Cmd, ended func()) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait()
		ended()
	}()
	return nil
}

// killGroup ends a process and its children the hard way.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
