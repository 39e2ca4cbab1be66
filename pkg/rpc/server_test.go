package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/rpc"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure everything that is wrong with a request is reported at once: its shape, its codes and the service's own rules.
func TestServer_ReportsAllViolations(t *testing.T) {
	t.Parallel()
	s := unreachable(t)
	s.check = func(proto.Message) []fault.Field {
		return []fault.Field{
			{Path: "territory", Reason: fault.BadFormat}, // reported already
			{Path: "open_at", Reason: fault.FutureDate},
		}
	}
	conn := start(t, config(), s).As(t, portal, "")
	var f *fault.Error
	err := find(conn, &directoryv1.FindOfficesRequest{
		Ground: "BLUE", AccessMode: strings.Repeat("X", 41), Territory: "Y",
	})
	if !errors.As(err, &f) || f.Reason != fault.InvalidRequest {
		t.Fatalf("got %v", err)
	}
	want := "INVALID_REQUEST access_mode:TOO_LONG territory:UNKNOWN_CODE ground:UNKNOWN_CODE open_at:FUTURE_DATE"
	if got, _, _ := strings.Cut(f.Error(), ":rpc"); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.As(find(conn, &directoryv1.FindOfficesRequest{Ground: "GONE"}), &f) {
		t.Fatal("an expired code was accepted")
	}
	if f.Fields[0].Reason != fault.ExpiredCode {
		t.Errorf("got %v", f)
	}
}

// Ensure a service without code lists does not check codes.
func TestServer_WithoutVocabulary(t *testing.T) {
	t.Parallel()
	c := config()
	c.Vocabulary = nil
	s := start(t, c, server{})
	if err := find(s.As(t, portal, ""), &directoryv1.FindOfficesRequest{Ground: "BLUE"}); err != nil {
		t.Errorf("got %v", err)
	}
}

// Ensure one caller that calls too often is refused, and others are not.
func TestServer_LimitsTheRateOfEachCaller(t *testing.T) {
	t.Parallel()
	c := config()
	c.PerSecond = 0.001
	s := start(t, c, server{})
	other := rpctest.ID("lombardia", "milano", "system", "portal") // of another tenant
	for i, step := range []struct {
		conn grpc.ClientConnInterface
		want fault.Reason
	}{
		{s.As(t, portal, ""), ""},
		{s.As(t, portal, ""), fault.TooManyRequests},
		{s.As(t, other, ""), ""},
		{s.As(t, other, ""), fault.TooManyRequests},
	} {
		if err := findAny(step.conn); reasonOf(err) != step.want {
			t.Errorf("call %d: %v, want %q", i, err, step.want)
		}
	}
}

// Ensure a request over the method's limit is refused with a reason, and a far larger one by the transport.
func TestServer_LimitsTheRequest(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	client := directoryv1.NewDirectoryServiceClient(s.As(t, portal, ""))
	for size, want := range map[int]fault.Reason{
		60_000: fault.InvalidRequest, 70_000: fault.MessageTooLarge, 4_900_000: fault.MessageTooLarge,
		6 << 20: fault.MessageTooLarge, // a status without a reason
	} {
		req := &directoryv1.ListVocabulariesRequest{Names: []string{strings.Repeat("x", size)}}
		_, err := client.ListVocabularies(t.Context(), req)
		if got := reasonOf(fault.FromStatus(err)); got != want {
			t.Errorf("%d bytes: %v, want %s", size, err, want)
		}
	}
	editor := s.As(t, rpctest.ID("all", "centre", "system", "console"), s.Env.Token(t, "eva", "all/centre/editor"))
	req := &directoryv1.ProposeChangesRequest{Reason: strings.Repeat("x", 4_000_000)}
	_, err := directoryv1.NewDirectoryServiceClient(editor).ProposeChanges(t.Context(), req)
	if got := reasonOf(fault.FromStatus(err)); got != fault.InvalidRequest {
		t.Errorf("a large proposal: %v", err)
	}
}

// Ensure a path that is not exactly that of a method is refused.
func TestServer_RefusesUnknownMethods(t *testing.T) {
	t.Parallel()
	conn := start(t, config(), server{}).As(t, portal, "")
	for _, path := range []string{
		"/pari.directory.v1.DirectoryService/Nothing", "/nowhere/Nothing",
		"//pari.directory.v1.DirectoryService/FindOffices",
	} {
		err := conn.Invoke(t.Context(), path, &directoryv1.FindOfficesRequest{}, &directoryv1.FindOfficesResponse{})
		if !fault.Is(fault.FromStatus(err), fault.MethodUnknown) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Ensure health is served, as a call and as a stream, to programs of the network and to no others.
func TestServer_Health(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	for name, c := range map[string]struct {
		conn grpc.ClientConnInterface
		want codes.Code
	}{
		"system":         {s.As(t, portal, ""), codes.OK},
		"no certificate": {s.WithTLS(t, &tls.Config{InsecureSkipVerify: true}), codes.Unauthenticated},
		"broker":         {s.As(t, rpctest.ID("lombardia", "cremona", "leaf", "leaf"), ""), codes.PermissionDenied},
	} {
		client := healthv1.NewHealthClient(c.conn)
		for _, service := range []string{"", "pari.directory.v1.DirectoryService"} {
			req := &healthv1.HealthCheckRequest{Service: service}
			resp, err := client.Check(t.Context(), req)
			if status.Code(err) != c.want || err == nil && resp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				t.Errorf("%s, check %q: got %v, %v", name, service, resp, err)
			}
			stream, err := client.Watch(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			resp, err = stream.Recv()
			if status.Code(err) != c.want || err == nil && resp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				t.Errorf("%s, watch %q: got %v, %v", name, service, resp, err)
			}
		}
	}
}

// Ensure a service whose contract gives a method no access rule does not start, and closes its listener.
func TestServer_RequiresARuleForEveryMethod(t *testing.T) {
	t.Parallel()
	w := rpctest.NewEnv(t)
	s, l := newServer(t, w)
	for service, method := range map[string]string{
		"nowhere.Service":                    "Do",     // not in the contract
		"pari.directory.v1.Office":           "Do",     // a message of the contract
		"pari.directory.v1.DirectoryService": "Absent", // not a method of the service
	} {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: service, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: method}},
		}, struct{}{})
	}
	err := s.Serve(t.Context(), l)
	for _, method := range []string{
		"/nowhere.Service/Do", "/pari.directory.v1.Office/Do", "/pari.directory.v1.DirectoryService/Absent",
	} {
		if err == nil || !strings.Contains(err.Error(), method) {
			t.Errorf("%s is not named by %v", method, err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

func newServer(t *testing.T, w *rpctest.Env) (*rpc.Server, net.Listener) {
	t.Helper()
	c := config()
	c.Source, c.Log = w.Source(t, rpctest.ID("all", "centre", "service", "directory")), slog.New(slog.DiscardHandler)
	s, err := rpc.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

// Ensure a server that stops reports it, lets the calls in flight finish, and waits no longer than their deadlines.
func TestServer_Drains(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]codes.Code{"finishes": codes.OK, "hangs": codes.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rpctest.NewEnv(t)
			s, l := newServer(t, w)
			entered, release := make(chan struct{}, 10), make(chan struct{})
			register(server{find: func(ctx context.Context) error {
				entered <- struct{}{}
				select {
				case <-release:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}})(s)
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- s.Serve(ctx, l) }()
			conn := (&rpctest.Server{Env: w, Addr: l.Addr().String()}).As(t, portal, "")
			watch, err := healthv1.NewHealthClient(conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
			if err != nil {
				t.Fatal(err)
			}
			expectStatus(t, watch, healthv1.HealthCheckResponse_SERVING)
			called := make(chan error, 1)
			go func() { called <- findAny(conn) }()
			<-entered
			stop()
			expectStatus(t, watch, healthv1.HealthCheckResponse_NOT_SERVING)
			if want == codes.OK {
				close(release)
			}
			if err := <-called; status.Code(err) != want {
				t.Errorf("the call in flight: %v, want %v", err, want)
			}
			if err := <-served; err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
}

func expectStatus(
	t *testing.T, watch healthv1.Health_WatchClient, want healthv1.HealthCheckResponse_ServingStatus,
) {
	t.Helper()
	if resp, err := watch.Recv(); err != nil || resp.GetStatus() != want {
		t.Errorf("health is %v, %v; want %v", resp, err, want)
	}
}

// Ensure a server whose listener breaks returns the error.
func TestServer_ReturnsTheErrorOfItsListener(t *testing.T) {
	t.Parallel()
	s, l := newServer(t, rpctest.NewEnv(t))
	_ = l.Close()
	if err := s.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// Ensure each call is logged in one line with caller, code and reason, and with the cause only when the failure is not
// the caller's.
func TestServer_LogsCalls(t *testing.T) {
	t.Parallel()
	var log logBuffer
	var result error
	c := config()
	c.Log = log.logger()
	s := start(t, c, server{find: func(context.Context) error { return result }})
	conn := s.As(t, portal, s.Env.Token(t, "anna", "lombardia/cremona/operator"))
	const caller = " caller_region=lombardia caller_node=cremona caller_kind=system caller_system=portal person=true "
	cause := errors.New("row of report 7")
	for _, step := range []struct {
		result     error
		head, tail string
	}{
		{nil, `code=OK reason=""`, ""},
		{fault.New(fault.NotFound).WithCause(cause), "code=NotFound reason=NOT_FOUND", ""},
		{cause, `code=Internal reason=""`, ` cause="row of report 7"`},
		{
			fault.New(fault.Internal).WithCause(cause), "code=Internal reason=INTERNAL",
			` cause="INTERNAL: row of report 7"`,
		},
	} {
		result = step.result
		_ = findAny(conn)
		got := log.take()
		level := "INFO"
		if strings.HasPrefix(step.head, "code=Internal") {
			level = "ERROR"
		}
		head := "level=" + level + " msg=call method=" + findMethod + " " + step.head + caller
		_, got, _ = strings.Cut(got, " ") // the time
		if !strings.HasPrefix(got, head) || strings.Contains(got, "cause=") != (step.tail != "") ||
			!strings.HasSuffix(got, step.tail+"\n") || strings.Count(got, "\n") != 1 {
			t.Errorf("%v was logged as\n%s, want\n%s…%s", step.result, got, head, step.tail)
		}
	}
	result = fault.New(fault.Unavailable).WithCause(cause)
	_ = findAny(conn)
	if got := log.take(); !strings.Contains(got, `cause="UNAVAILABLE: row of report 7"`) {
		t.Errorf("an unavailable database was logged as %s", got)
	}
	_ = findAny(unverified(t, s, rpctest.NewEnv(t).Source(t, portal)))
	if got := log.take(); got != "" {
		t.Errorf("a call that was refused at its headers was logged: %s", got)
	}
}

// Ensure a panic ends its call only, and that its value, which may be personal data, is neither logged nor returned.
func TestServer_RecoversFromAPanic(t *testing.T) {
	t.Parallel()
	var log logBuffer
	var nilMap map[string]int
	step := func() {}
	c := config()
	c.Log = log.logger()
	conn := start(t, c, server{find: func(context.Context) error { step(); return nil }}).As(t, portal, "")
	for name, c := range map[string]struct {
		step func()
		want string
	}{
		"string":  {func() { panic("Anna Rossi") }, "type=string"},
		"error":   {func() { panic(errors.New("row of Anna Rossi")) }, "type=*errors.errorString"},
		"runtime": {func() { nilMap["Anna"] = 1 }, "type=runtime."},
	} {
		step = c.step
		err := findAny(conn)
		got := log.take()
		if !fault.Is(err, fault.Internal) || strings.Contains(err.Error()+got, "Anna") {
			t.Errorf("%s: got %v, log %s", name, err, got)
		}
		for _, part := range []string{
			"level=ERROR msg=panic method=" + findMethod + " " + c.want,
			"stack_hash=", "function=github.com/retepari/pari/pkg/rpc_test.TestServer_RecoversFromAPanic",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: the log lacks %q: %s", name, part, got)
			}
		}
	}
	step = func() {}
	if err := findAny(conn); err != nil {
		t.Error(err)
	}
}

// Ensure a call without a deadline gets one, and the handler's deadline is a little before the caller's.
func TestServer_Deadline(t *testing.T) {
	t.Parallel()
	var left time.Duration
	s := start(t, config(), server{find: func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil
	}})
	client := directoryv1.NewDirectoryServiceClient(s.As(t, portal, ""))
	if _, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{}); err != nil {
		t.Fatal(err)
	}
	if left < 10*time.Second || left > 15*time.Second {
		t.Errorf("without a deadline the handler had %s", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 110*time.Millisecond) // 90 ms at the server
	defer cancel()
	_, err := client.FindOffices(ctx, &directoryv1.FindOfficesRequest{})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("with 90 ms left: %v", err)
	}
}
