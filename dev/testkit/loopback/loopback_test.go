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

func addr(t *testing.T, preferred int) (string, int) {
	t.Helper()
	a, err := loopback.Addr(t.Context(), preferred)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := net.SplitHostPort(a)
	port, _ := strconv.Atoi(text)
	return a, port
}

// Ensure that an address is given out once, also to another process, and that it can be listened on.
func TestAddr(t *testing.T) {
	if asked, err := strconv.Atoi(os.Getenv("PARI_TEST_PORT")); err == nil { // the other process
		if _, port := addr(t, asked); port == asked {
			t.Fatal("got a port that another process keeps")
		}
		return
	}
	seen := map[string]bool{}
	for range 200 {
		a, _ := addr(t, 0)
		if seen[a] {
			t.Fatalf("%s was given out twice", a)
		}
		seen[a] = true
	}
	a, port := addr(t, 0)
	if _, again := addr(t, port); again == port {
		t.Error("a port that is kept was given out again")
	}
	l, err := net.Listen("tcp", a)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	other := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^TestAddr$", "-test.count=1")
	other.Env = append(os.Environ(), "PARI_TEST_PORT="+strconv.Itoa(port))
	if out, err := other.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Ensure that ports lie where no outgoing connection gets one.
func TestAddr_OutsideOfTheSystemsRange(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Log("this system does not tell its range: nothing to compare with")
		return
	}
	low, err := strconv.Atoi(strings.Fields(string(raw))[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, port := addr(t, 0); port >= low {
		t.Errorf("port %d is one of those for outgoing connections, from %d on", port, low)
	}
}

func TestAddr_TakenByAServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().(*net.TCPAddr).Port
	if _, port := addr(t, taken); port == taken {
		t.Error("got a port that somebody listens on")
	}
}
