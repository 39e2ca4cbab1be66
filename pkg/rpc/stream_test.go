package rpc_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/tenant"
)

var cremona = tenant.ID{Region: "lombardia", Node: "cremona"}

func startProbe(t *testing.T, p *rpctest.Probe) *rpctest.Server {
	t.Helper()
	return startProbeWith(t, nil, p)
}

func startProbeWith(t *testing.T, log *slog.Logger, p *rpctest.Probe) *rpctest.Server {
	t.Helper()
	c := rpc.Config{
		Service: "probe", Log: log, Tenants: []tenant.ID{cremona},
		Grants: rpctest.Grants(t, map[identity.ID]string{portal: "submitter"}),
		Receipts: func(_ context.Context, of tenant.ID, code string) (string, error) {
			if of != cremona || code != "abaco abete" {
				return "", fault.New(fault.BadReceipt)
			}
			return "report-7", nil
		},
	}
	return rpctest.NewEnv(t).Start(t, c, p.Register)
}

// serveProbe serves until ctx ends, and tells how it ended.
func serveProbe(ctx context.Context, t *testing.T, e *rpctest.Env, p *rpctest.Probe) (*rpctest.Server, chan error) {
	t.Helper()
	server, err := rpc.NewServer(rpc.Config{
		Service: "probe", Source: e.Source(t, rpctest.ID("lombardia", "cremona", "service", "probe")),
		Issuers: e.Issuers(t), Log: slog.New(slog.DiscardHandler),
		Grants: rpctest.Grants(t, map[identity.ID]string{portal: "submitter"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	return &rpctest.Server{Env: e, Addr: listener.Addr().String()}, served
}

// operator connects as a person who may use the probe.
func operator(t *testing.T, s *rpctest.Server) grpc.ClientConnInterface {
	t.Helper()
	return s.As(t, portal, s.Env.Token(t, "anna", "lombardia/cremona/operator"))
}

func get(ctx context.Context, conn grpc.ClientConnInterface, method string) error {
	return fault.FromStatus(conn.Invoke(ctx, method, wrapperspb.String("x"), &wrapperspb.StringValue{}))
}

// watch opens a stream of responses.
func watch(ctx context.Context, t *testing.T, conn grpc.ClientConnInterface) grpc.ClientStream {
	t.Helper()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, rpctest.ProbeWatch)
	if err == nil {
		err = errors.Join(s.SendMsg(wrapperspb.String("x")), s.CloseSend())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// upload sends texts and returns the response.
func upload(ctx context.Context, t *testing.T, conn grpc.ClientConnInterface, texts ...string) error {
	t.Helper()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, rpctest.ProbeUpload)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if err := s.SendMsg(wrapperspb.String(text)); err != nil {
			break // RecvMsg tells why
		}
	}
	_ = s.CloseSend()
	return fault.FromStatus(s.RecvMsg(&wrapperspb.StringValue{}))
}

func receive(s grpc.ClientStream) (string, error) {
	m := &wrapperspb.StringValue{}
	err := s.RecvMsg(m)
	return m.GetValue(), err
}

// Ensure streams pass the same steps as unary calls: who may call, the deadline of the method, the size of each
// message.
func TestServer_Streams(t *testing.T) {
	t.Parallel()
	deadlines := make(chan time.Duration, 10)
	s := startProbe(t, &rpctest.Probe{
		OnWatch: func(ctx context.Context, text string, send func(string) error) error {
			deadline, _ := ctx.Deadline()
			deadlines <- time.Until(deadline)
			p, _ := identity.From(ctx)
			return send(text + " " + p.Person)
		},
		OnUpload: func(ctx context.Context, receive func() (string, error)) (string, error) {
			deadline, _ := ctx.Deadline()
			deadlines <- time.Until(deadline)
			for {
				if _, err := receive(); errors.Is(err, io.EOF) {
					return "done", nil
				} else if err != nil {
					return "", err
				}
			}
		},
	})
	ctx := t.Context()
	if text, err := receive(watch(ctx, t, operator(t, s))); err != nil || text != "x "+rpctest.Person("anna") {
		t.Errorf("got %q, %v", text, err)
	}
	if d := <-deadlines; d > rpctest.ProbeWatchSeconds*time.Second || d < (rpctest.ProbeWatchSeconds-5)*time.Second {
		t.Errorf("a stream of responses has %s", d)
	}
	system := s.As(t, portal, "")
	if err := upload(ctx, t, system, "a", strings.Repeat("x", 1000)); err != nil {
		t.Errorf("got %v", err)
	}
	if d := <-deadlines; d > rpctest.ProbeUploadSeconds*time.Second {
		t.Errorf("a stream of requests has %s", d)
	}
	long := upload(ctx, t, system, "a", strings.Repeat("x", rpctest.ProbeMaxMessage))
	if reasonOf(long) != fault.MessageTooLarge {
		t.Errorf("a long message: %v", long)
	}
	milano := rpctest.ID("lombardia", "milano", "system", "portal")
	homonym := rpctest.ID("piemonte", "cremona", "system", "portal")
	for name, c := range map[string]struct {
		conn grpc.ClientConnInterface
		want fault.Reason
	}{
		"a system":        {system, fault.NoToken},
		"another role":    {s.As(t, portal, s.Env.Token(t, "ugo", "lombardia/cremona/analyst")), fault.NotAllowed},
		"another node":    {s.As(t, milano, s.Env.Token(t, "ida", "lombardia/milano/operator")), fault.WrongNode},
		"a forged token":  {s.As(t, portal, "abc"), fault.BadToken},
		"no certificate":  {unverified(t, s, rpctest.NewEnv(t).Source(t, portal)), fault.BadCertificate},
		"a homonym's own": {s.As(t, homonym, s.Env.Token(t, "leo", "piemonte/cremona/operator")), fault.WrongNode},
	} {
		_, err := receive(watch(ctx, t, c.conn))
		if got := reasonOf(fault.FromStatus(err)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Ensure a handler learns that its caller has gone, and that a call does not outlive its method's deadline.
func TestServer_StreamsEnd(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 10)
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	s := startProbe(t, &rpctest.Probe{
		OnWatch: func(ctx context.Context, _ string, send func(string) error) error {
			return errors.Join(send("begun"), wait(ctx))
		},
		OnUpload: func(ctx context.Context, _ func() (string, error)) (string, error) { return "", wait(ctx) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	stream := watch(ctx, t, operator(t, s))
	if _, err := receive(stream); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled stream ended with %v", err)
	}
	begun := time.Now()
	err := upload(t.Context(), t, s.As(t, portal, ""))
	if status.Code(err) != codes.DeadlineExceeded && reasonOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hanging call ended with %v after %s", err, time.Since(begun))
	}
}

// Ensure a caller that reads slowly, or not at all, holds up its own stream only: the handler waits, it does not fill
// the memory, and other calls go on.
func TestServer_SlowReader(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	text := strings.Repeat("x", 10_000)
	s := startProbe(t, &rpctest.Probe{OnWatch: func(_ context.Context, _ string, send func(string) error) error {
		for {
			if err := send(text); err != nil {
				return err
			}
			sent.Add(1)
		}
	}})
	conn := operator(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := watch(ctx, t, conn)
	if _, err := receive(stream); err != nil {
		t.Fatal(err)
	}
	for before := int64(-1); before != sent.Load(); { // until the handler has stopped sending
		before = sent.Load()
		for range 20 {
			if err := get(t.Context(), conn, rpctest.ProbeGet); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := sent.Load(); n > 1000 {
		t.Errorf("%d messages of 10 kB were sent to a caller that does not read", n)
	}
}

// Ensure a server that stops ends the streams that have no end of their own at once, so that clients go elsewhere, and
// lets uploads finish.
func TestServer_DrainsStreams(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	uploading, release := make(chan struct{}), make(chan struct{})
	p := &rpctest.Probe{
		OnWatch: func(ctx context.Context, _ string, send func(string) error) error {
			if err := send("begun"); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		},
		OnUpload: func(context.Context, func() (string, error)) (string, error) {
			close(uploading)
			<-release
			return "done", nil
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	s, served := serveProbe(ctx, t, e, p)
	stream := watch(t.Context(), t, operator(t, s))
	if _, err := receive(stream); err != nil {
		t.Fatal(err)
	}
	uploaded := make(chan error, 1)
	go func() { uploaded <- upload(t.Context(), t, s.As(t, portal, "")) }()
	<-uploading
	stop()
	if _, err := receive(stream); reasonOf(fault.FromStatus(err)) != fault.Unavailable {
		t.Errorf("the stream ended with %v", err)
	}
	close(release)
	if err := <-uploaded; err != nil {
		t.Errorf("the upload ended with %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Ensure the holder of a receipt is a principal of one report: a code opens what its rule admits to holders, at its own
// node, and nothing else, and it does not come together with a person.
func TestServer_ReceiptHolder(t *testing.T) {
	t.Parallel()
	var holder identity.Principal
	s := startProbe(t, &rpctest.Probe{OnMine: func(ctx context.Context) (string, error) {
		holder, _ = identity.From(ctx)
		return "", nil
	}})
	withReceipt := func(codes ...string) context.Context {
		ctx := t.Context()
		for _, code := range codes {
			ctx = metadata.AppendToOutgoingContext(ctx, "pari-receipt", code)
		}
		return ctx
	}
	system := s.As(t, portal, "")
	if err := get(withReceipt("abaco abete"), system, rpctest.ProbeMine); err != nil {
		t.Fatal(err)
	}
	if holder.Report != "report-7" || holder.Tenant() != cremona || holder.HasGrant() || holder.Person != "" {
		t.Errorf("the principal is %+v", holder)
	}
	elsewhere := s.As(t, rpctest.ID("lombardia", "milano", "system", "portal"), "")
	intake := s.As(t, rpctest.ID("lombardia", "cremona", "service", "intake"), "")
	for name, c := range map[string]struct {
		conn   grpc.ClientConnInterface
		codes  []string
		method string
		want   fault.Reason
	}{
		"another code":          {system, []string{"abaco aceto"}, rpctest.ProbeMine, fault.BadReceipt},
		"two codes":             {system, []string{"abaco abete", "abaco abete"}, rpctest.ProbeMine, fault.BadReceipt},
		"at another node":       {elsewhere, []string{"abaco abete"}, rpctest.ProbeMine, fault.BadReceipt},
		"through a service":     {intake, []string{"abaco abete"}, rpctest.ProbeMine, fault.BadReceipt},
		"with a token":          {operator(t, s), []string{"abaco abete"}, rpctest.ProbeMine, fault.BadReceipt},
		"what is for operators": {system, []string{"abaco abete"}, rpctest.ProbeGet, fault.NotAllowed},
		"without a code":        {system, nil, rpctest.ProbeMine, fault.NotAllowed},
		"an operator":           {operator(t, s), nil, rpctest.ProbeMine, fault.NotAllowed},
	} {
		if got := reasonOf(get(withReceipt(c.codes...), c.conn, c.method)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Ensure one address cannot open any number of connections, and that closing one makes room.
func TestServer_LimitsConnections(t *testing.T) {
	t.Parallel()
	c := config()
	c.MaxConnections = 2
	s := start(t, c, server{})
	first, second := s.As(t, portal, ""), s.As(t, portal, "")
	for _, conn := range []grpc.ClientConnInterface{first, second} {
		if err := findAny(conn); err != nil {
			t.Fatal(err)
		}
	}
	third := s.As(t, portal, "")
	if err := findAny(third); status.Code(err) != codes.Unavailable && reasonOf(err) != fault.Unavailable {
		t.Errorf("a third connection: %v", err)
	}
	_ = first.Close()
	deadline := time.Now().Add(10 * time.Second)
	for err := findAny(third); err != nil; err = findAny(third) {
		if time.Now().After(deadline) {
			t.Fatalf("no room after a connection was closed: %v", err)
		}
	}
}
