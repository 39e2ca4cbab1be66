package rpc_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// anonymous connects without a certificate.
func anonymous() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
}

// Ensure calls of strangers leave nothing behind, whatever deadline they ask for, and that they are told why they are
// refused.
func TestServer_StrangersLeaveNothing(t *testing.T) { //nolint:paralleltest // it measures memory
	conn := start(t, config(), unreachable(t)).WithTLS(t, anonymous())
	ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
	defer cancel()
	call := func() {
		_, err := directoryv1.NewDirectoryServiceClient(conn).FindOffices(ctx, &directoryv1.FindOfficesRequest{})
		if !fault.Is(fault.FromStatus(err), fault.NoCertificate) {
			t.Errorf("got %v", err)
		}
	}
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	many := func(n int) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range n / 20 {
					call()
				}
			})
		}
		wg.Wait()
	}
	many(200)
	before := heap()
	const calls = 2000 // within the time of a stranger's connection
	many(calls)
	if grown := heap() - before; grown > 100*calls {
		t.Errorf("%d refused calls left %d bytes", calls, grown)
	}
}

// Ensure the name of an unknown method is refused with its reason, also for a caller who has much time.
func TestServer_RefusesUnknownMethodsWithTime(t *testing.T) {
	t.Parallel()
	conn := start(t, config(), server{}).As(t, portal, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	err := conn.Invoke(ctx, "/pari.directory.v1.DirectoryService/Unknown", &directoryv1.FindOfficesRequest{},
		&directoryv1.FindOfficesResponse{})
	if !fault.Is(fault.FromStatus(err), fault.MethodUnknown) {
		t.Errorf("got %v", err)
	}
}

// Ensure a program above its rate is refused also when it has much time.
func TestServer_LimitsTheRateWithTime(t *testing.T) {
	t.Parallel()
	c := config()
	c.PerSecond = 0.2 // a program may make one call, its tenant two
	client := directoryv1.NewDirectoryServiceClient(start(t, c, server{}).As(t, portal, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, want := range []fault.Reason{"", fault.TooManyRequests} {
		_, err := client.FindOffices(ctx, &directoryv1.FindOfficesRequest{})
		if got := reasonOf(fault.FromStatus(err)); got != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Ensure connections of strangers cannot keep a program of the same address out.
func TestServer_StrangersMakeRoom(t *testing.T) {
	t.Parallel()
	c := config()
	c.MaxConnections = 2
	s := start(t, c, server{})
	for range 5 {
		dialer := &tls.Dialer{Config: anonymous()}
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if err := findAny(s.As(t, portal, "")); err != nil {
		t.Errorf("a program behind the address of strangers: %v", err)
	}
}

// Ensure one connection carries a limited number of calls, and headers of a limited size.
func TestServer_LimitsConnection(t *testing.T) {
	t.Parallel()
	const maxStreams = 250
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, config(), server{find: func(ctx context.Context) error {
		entered <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	}})
	conn := s.As(t, portal, "")
	large := metadata.AppendToOutgoingContext(t.Context(), "x-large", strings.Repeat("x", 17<<10))
	if _, err := directoryv1.NewDirectoryServiceClient(conn).
		FindOffices(large, &directoryv1.FindOfficesRequest{}); status.Code(err) != codes.Internal {
		t.Errorf("17 KiB of headers: %v", err)
	}
	for range maxStreams {
		go func() { _ = findAny(conn) }()
		<-entered
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := directoryv1.NewDirectoryServiceClient(conn).FindOffices(ctx, &directoryv1.FindOfficesRequest{})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a call beyond the limit: %v", err)
	}
	close(release)
}

// Ensure a person whom the issuer vouches for, but who has no grant, is not taken for a program without a person.
func TestServer_PersonWithoutGrants(t *testing.T) {
	t.Parallel()
	s := start(t, config(), unreachable(t))
	if err := findAny(s.As(t, portal, s.Env.Token(t, "anna"))); !fault.Is(err, fault.WrongNode) {
		t.Errorf("got %v", err)
	}
}

// Ensure a request is as large as its bytes on the wire, also where the message that they make is small.
func TestServer_LimitsTheBytes(t *testing.T) {
	t.Parallel()
	s := start(t, config(), unreachable(t))
	field := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), strings.Repeat("x", 1000))
	req := &directoryv1.FindOfficesRequest{}
	var all []byte
	for range 100 {
		all = append(all, field...)
	}
	req.ProtoReflect().SetUnknown(all) // sent as it is; the last one wins
	if err := find(s.As(t, portal, ""), req); !fault.Is(err, fault.MessageTooLarge) {
		t.Errorf("got %v", err)
	}
}

// Ensure fields that this program does not know reach nobody, at any depth.
func TestServer_DropsUnknownFields(t *testing.T) {
	t.Parallel()
	var seen []byte
	s := start(t, config(), server{check: func(m proto.Message) []fault.Field {
		seen, _ = proto.Marshal(m)
		return nil
	}})
	unknown := protowire.AppendString(protowire.AppendTag(nil, 4711, protowire.BytesType), "canary")
	req := &directoryv1.ProposeChangesRequest{Entries: []*directoryv1.Entry{{}}}
	req.ProtoReflect().SetUnknown(unknown)
	req.Entries[0].ProtoReflect().SetUnknown(unknown)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn := s.As(t, portal, s.Env.Token(t, "anna", "lombardia/cremona/editor"))
	_, _ = directoryv1.NewDirectoryServiceClient(conn).ProposeChanges(ctx, req)
	if len(seen) == 0 || strings.Contains(string(seen), "canary") {
		t.Errorf("the service saw %q", seen)
	}
}

// Ensure a panic has the same hash in whichever goroutine gRPC runs the call, and a line that says whose call it was.
func TestServer_PanicHash(t *testing.T) {
	t.Parallel()
	var log logBuffer
	c := config()
	c.Log = log.logger()
	conn := start(t, c, server{find: func(context.Context) error { panic("x") }}).As(t, portal, "")
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { _ = findAny(conn) })
	}
	wg.Wait()
	hashes, calls := map[string]bool{}, 0
	for line := range strings.Lines(log.take()) {
		if _, after, ok := strings.Cut(line, "stack_hash="); ok {
			hash, _, _ := strings.Cut(after, " ")
			hashes[hash] = true
		}
		if strings.Contains(line, "msg=call") && strings.Contains(line, "caller_system=portal") {
			calls++
		}
	}
	if len(hashes) != 1 || calls != 100 {
		t.Errorf("hashes %v, %d lines of calls", hashes, calls)
	}
}

// Ensure callers who send slowly, or read slowly, hold a call for no longer than its method allows, and that a server
// which stops does not wait for them.
func TestServer_SlowCallers(t *testing.T) {
	t.Parallel()
	var log logBuffer
	s := startProbeWith(t, log.logger(), &rpctest.Probe{
		OnUpload: func(_ context.Context, receive func() (string, error)) (string, error) { return receive() },
	})
	upload, get := s.As(t, portal, ""), operator(t, s)
	for method, conn := range map[string]grpc.ClientConnInterface{
		rpctest.ProbeUpload: upload, rpctest.ProbeGet: get,
	} {
		begun := time.Now()
		stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, method)
		if err != nil {
			t.Fatal(err)
		}
		_, err = receive(stream)
		if took := time.Since(begun); status.Code(err) != codes.DeadlineExceeded || took > 10*time.Second {
			t.Errorf("%s without a message ended with %v after %s", method, err, took)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	log.take()
	stream, err := upload.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, rpctest.ProbeUpload)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_, _ = receive(stream)
	eventually(t, "the canceled upload is logged", func() bool {
		text := log.take()
		return strings.Contains(text, "level=INFO msg=call") && strings.Contains(text, "code=Canceled")
	})
}

// Ensure a server that stops does not wait for a caller who does not read.
func TestServer_DrainsSlowReaders(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	full := make(chan struct{})
	text := strings.Repeat("x", 10_000)
	p := &rpctest.Probe{OnWatch: func(_ context.Context, _ string, send func(string) error) error {
		for n := 0; ; n++ {
			if err := send(text); err != nil {
				return err
			}
			if n == 3 {
				close(full)
			}
		}
	}}
	ctx, stop := context.WithCancel(t.Context())
	s, served := serveProbe(ctx, t, e, p)
	stream := watch(t.Context(), t, operator(t, s))
	if _, err := receive(stream); err != nil {
		t.Fatal(err)
	}
	<-full
	begun := time.Now()
	stop()
	if err := <-served; err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(begun), err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("it did not happen: ", what))
		}
	}
}
