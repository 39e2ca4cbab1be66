package cluster

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the program when the test ends, however it ends.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
