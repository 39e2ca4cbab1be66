package cluster

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the program when the test ends, also after a crash.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
