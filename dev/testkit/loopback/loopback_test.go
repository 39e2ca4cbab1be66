package loopback_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/retepari/pari/dev/testkit/loopback"
)

// portVariable makes the test binary ask for a port, as another process, and fail if it gets it.
const portVariable = "PARI_TEST_PORT"

func allocate(t *testing.T, preferred int) (addr string, port int) {
	t.Helper()
	addr, err := loopback.Addr(t.Context(), preferred)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := net.SplitHostPort(addr)
	port, err = strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return addr, port
}

// Ensure an address is allocated once, in this process and in others, and can be listened on.
func TestAddr_AllocatesOnce(t *testing.T) {
	if taken, err := strconv.Atoi(os.Getenv(portVariable)); err == nil {
		if _, port := allocate(t, taken); port == taken {
			t.Fatal("got the port of another process")
		}
		return
	}
	seen := map[string]bool{}
	for range 200 {
		addr, _ := allocate(t, 0)
		if seen[addr] {
			t.Fatalf("%s was allocated twice", addr)
		}
		seen[addr] = true
	}
	addr, port := allocate(t, 0)
	if _, second := allocate(t, port); second == port {
		t.Error("a reserved port was allocated again")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	args := []string{"-test.run=^TestAddr_AllocatesOnce$", "-test.count=1"}
	process := exec.CommandContext(context.Background(), os.Args[0], args...)
	process.Env = append(os.Environ(), portVariable+"="+strconv.Itoa(port))
	if out, err := process.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Ensure a preferred port that is free is the one allocated.
func TestAddr_PrefersThePort(t *testing.T) {
	t.Parallel()
	for range 100 { // another process may hold any one of them
		_, free := allocate(t, 0)
		if _, port := allocate(t, free+1); port == free+1 {
			return
		}
	}
	t.Error("no preferred port was allocated")
}

// Ensure ports are below those of outgoing connections.
func TestAddr_AvoidsOutgoingPorts(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Log("this system does not publish its range")
		return
	}
	low, err := strconv.Atoi(strings.Fields(string(raw))[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, port := allocate(t, 0); port >= low {
		t.Errorf("port %d is in the range of outgoing connections, from %d on", port, low)
	}
}

// Ensure a port on which a program listens is not allocated.
func TestAddr_SkipsABusyPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	busy := l.Addr().(*net.TCPAddr).Port
	if _, port := allocate(t, busy); port == busy {
		t.Error("got a port on which a program listens")
	}
}
