package pglocal

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// Postgres refuses to run as root. As root, the server gets a user namespace of its own, in which root is an ordinary
// user: files stay root's and lie anywhere. Where the kernel has none to give, it runs as the user postgres, else nobody,
// and the data directory is handed to that user.
var namespaces = sync.OnceValue(func() bool {
	cmd := exec.Command("true")
	cmd.SysProcAttr = namespaced()
	return cmd.Run() == nil
})

func namespaced() *syscall.SysProcAttr {
	const inside = 1000
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		Credential:  &syscall.Credential{Uid: inside, Gid: inside, NoSetGroups: true},
	}
}

// unprivileged prepares cmd to run without root and to end with this process.
func unprivileged(cmd *exec.Cmd, dir string) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		if namespaces() {
			cmd.SysProcAttr = namespaced()
		} else if err := handOver(cmd, dir); err != nil {
			return err
		}
	}
	cmd.Dir = "/"
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	return nil
}

func handOver(cmd *exec.Cmd, dir string) error {
	uid, gid := 65534, 65534
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ = strconv.Atoi(u.Uid)
			gid, _ = strconv.Atoi(u.Gid)
			break
		}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid) //nolint:gosec // our own directory, which nobody else may write
	})
	if err != nil {
		return fmt.Errorf("hand the data directory to an ordinary user: %w", err)
	}
	return nil
}

// launch starts cmd from a thread that lives as long as the child, because the kernel ends the child with the thread that
// started it, not with the process; ended is called when the child has ended.
func launch(cmd *exec.Cmd, ended func()) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			ended()
		}
	}()
	return <-started
}

// killGroup ends a process and its children the hard way.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
