//go:build !linux

package cluster

import "os/exec"

// dieWithParent has no help from the kernel here; the cluster stops its programs when the test ends.
func dieWithParent(*exec.Cmd) {}
