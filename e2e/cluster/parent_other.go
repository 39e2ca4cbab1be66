//go:build !linux

package cluster

import "os/exec"

// dieWithParent does nothing: other systems cannot bind a program to its parent, so only Cluster.Stop ends it.
func dieWithParent(*exec.Cmd) {}
