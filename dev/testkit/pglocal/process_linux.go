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

// hasNamespaces reports whether this process may create user namespaces.
//
// Postgres refuses to run as root. For root the server runs in a user namespace, in which root is an ordinary user: the
// files stay root's and may be anywhere. Without namespaces it runs as the user postgres or nobody, who then gets the
// data directory.
var hasNamespaces = sync.OnceValue(func() bool {
	cmd := exec.Command("true")
	cmd.SysProcAttr = inNamespace()
	return cmd.Run() == nil
})

// inNamespace maps root to an ordinary user in a user namespace.
func inNamespace() *syscall.SysProcAttr {
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
		if hasNamespaces() {
			cmd.SysProcAttr = inNamespace()
		} else if err := runAsOrdinaryUser(cmd, dir); err != nil {
			return err
		}
	}
	cmd.Dir = "/"
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	return nil
}

// runAsOrdinaryUser makes cmd run as the user postgres or nobody, and gives dir to that user.
func runAsOrdinaryUser(cmd *exec.Cmd, dir string) error {
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
		return os.Lchown(path, uid, gid) //nolint:gosec // no other user may write to the directory
	})
	if err != nil {
		return fmt.Errorf("change owner of the data directory: %w", err)
	}
	return nil
}

// launch starts cmd and calls onExit when it has ended. It starts cmd on a thread that lives until then, because
// Pdeathsig signals the child when the thread that started it ends, not when the process does.
func launch(cmd *exec.Cmd, onExit func()) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			onExit()
		}
	}()
	return <-started
}

// killGroup kills a process and its children.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
