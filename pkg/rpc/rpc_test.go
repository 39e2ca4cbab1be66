package rpc_test

import (
	"bytes"
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

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	"github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

// The directory's public contract serves as the example: any service would do.
type server struct {
	directoryv1.UnimplementedDirectoryServiceServer
	find func(context.Context) error
}

func (s server) FindOffices(ctx context.Context, _ *directoryv1.FindOfficesRequest) (*directoryv1.FindOfficesResponse, error) {
	return &directoryv1.FindOfficesResponse{}, s.find(ctx)
}

func codeLists() *vocabulary.Set {
	return vocabulary.NewSet(&vocabularyv1.Vocabulary{Name: "ground", Terms: []*vocabularyv1.Term{{Code: "SEX"}, {Code: "GONE", ValidTo: "2020-01-01"}}})
}

func start(t *testing.T, log *bytes.Buffer, find func(context.Context) error) *rpctest.Server {
	t.Helper()
	config := rpc.Config{Service: "directory", Region: "all", Node: "centre", Vocabulary: codeLists}
	if log != nil {
		config.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	return rpctest.NewWorld(t).Start(t, config, func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, server{find: find}) })
}

var portal = rpctest.ID("lombardia", "cremona", "system", "portal")

func find(conn grpc.ClientConnInterface, req *directoryv1.FindOfficesRequest) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := directoryv1.NewDirectoryServiceClient(conn).FindOffices(ctx, req)
	return err
}

// Ensure each way of not being known gets its own answer, with text in both languages, and never reaches the handler.
func TestServer_RefusesWhoIsNotKnown(t *testing.T) {
	t.Parallel()
	s := start(t, nil, func(context.Context) error { t.Error("the handler ran"); return nil })
	other := rpctest.NewWorld(t)
	hour := time.Hour
	now := time.Now()
	foreign := portal
	foreign.TrustDomain = "elsewhere.test"
	for name, c := range map[string]struct {
		conn grpc.ClientConnInterface
		want fault.Reason
	}{
		"no certificate":       {s.Bare(t, &tls.Config{InsecureSkipVerify: true}), fault.NoCertificate},
		"expired":              {s.With(t, s.World.SourceFor(t, portal, now.Add(-2*hour), now.Add(-hour)), ""), fault.BadCertificate},
		"not yet valid":        {s.With(t, s.World.SourceFor(t, portal, now.Add(hour), now.Add(2*hour)), ""), fault.BadCertificate},
		"another authority":    {foreignConn(t, s, other), fault.BadCertificate},
		"another trust domain": {s.As(t, foreign, ""), fault.BadCertificate},
		"a broker":             {s.As(t, rpctest.ID("lombardia", "cremona", "leaf", "leaf"), ""), fault.NotAllowed},
		"no token":             {s.As(t, portal, "abc"), fault.BadToken},
		"expired token":        {s.As(t, portal, s.World.Sign(t, map[string]any{"sub": "anna", "exp": now.Add(-hour).Unix()})), fault.ExpiredToken},
		"other audience":       {s.As(t, portal, s.World.Sign(t, map[string]any{"sub": "anna", "aud": "mail"})), fault.BadToken},
		"token of another":     {s.As(t, portal, other.Token(t, "anna", "lombardia/cremona/operator")), fault.BadToken},
		"other node's person":  {s.As(t, portal, s.World.Token(t, "ugo", "piemonte/cuneo/operator")), fault.WrongNode},
		"person via service":   {s.As(t, rpctest.ID("lombardia", "cremona", "service", "intake"), s.World.Token(t, "anna", "lombardia/cremona/operator")), fault.BadToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.ReasonOf(fault.FromStatus(find(c.conn, &directoryv1.FindOfficesRequest{}))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// foreignConn connects with a certificate of another authority, accepting the server as it is.
func foreignConn(t *testing.T, s *rpctest.Server, other *rpctest.World) grpc.ClientConnInterface {
	t.Helper()
	config := other.Source(t, portal).ClientTLS(func(identity.ID) bool { return true })
	config.VerifyConnection = nil
	return s.Bare(t, config)
}

// Ensure people and systems arrive at the handler as who they are.
func TestServer_KnowsTheCaller(t *testing.T) {
	t.Parallel()
	var seen identity.Caller
	s := start(t, nil, func(ctx context.Context) error { seen, _ = identity.From(ctx); return nil })
	if err := find(s.As(t, portal, s.World.Token(t, "anna", "lombardia/cremona/operator", "piemonte/cuneo/coordinator", "nonsense")), &directoryv1.FindOfficesRequest{}); err != nil {
		t.Fatal(err)
	}
	if seen.Person != "anna" || seen.ID.Node != "cremona" || seen.ID.Name != "portal" || len(seen.Roles) != 1 {
		t.Errorf("got %+v", seen)
	}
}

// Ensure everything that is wrong is said at once.
func TestServer_ListsAllViolations(t *testing.T) {
	t.Parallel()
	s := start(t, nil, func(context.Context) error { t.Error("the handler ran"); return nil })
	err := find(s.As(t, portal, ""), &directoryv1.FindOfficesRequest{Ground: "BLUE", AccessMode: strings.Repeat("X", 41), Territory: "Y"})
	var f *fault.Error
	if !errors.As(fault.FromStatus(err), &f) || f.Reason != fault.InvalidRequest || len(f.Fields) != 3 {
		t.Fatalf("got %v", err)
	}
	err = find(s.As(t, portal, ""), &directoryv1.FindOfficesRequest{Ground: "GONE"})
	if !errors.As(fault.FromStatus(err), &f) || f.Fields[0].Reason != fault.ExpiredCode {
		t.Errorf("got %v", err)
	}
}

// Ensure a panic ends its call, says nothing of what it held, and the server goes on.
func TestServer_SurvivesAPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	fail := true
	s := start(t, &log, func(context.Context) error {
		if fail {
			panic("Anna Rossi")
		}
		return nil
	})
	conn := s.As(t, portal, "")
	err := find(conn, &directoryv1.FindOfficesRequest{})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "Anna") || strings.Contains(log.String(), "Anna") || !strings.Contains(log.String(), "panic") {
		t.Errorf("got %v, log %s", err, log.String())
	}
	fail = false
	if err := find(conn, &directoryv1.FindOfficesRequest{}); err != nil {
		t.Error(err)
	}
}

func TestServer_Limits(t *testing.T) {
	t.Parallel()
	var left time.Duration
	s := start(t, nil, func(ctx context.Context) error {
		until, _ := ctx.Deadline()
		left = time.Until(until)
		return nil
	})
	client := directoryv1.NewDirectoryServiceClient(s.As(t, portal, ""))
	large := &directoryv1.ListVocabulariesRequest{Names: []string{strings.Repeat("x", 70_000)}}
	if _, err := client.ListVocabularies(context.Background(), large); !fault.Is(fault.FromStatus(err), fault.MessageTooLarge) {
		t.Errorf("70 kB: %v", err)
	}
	if _, err := client.FindOffices(context.Background(), &directoryv1.FindOfficesRequest{}); err != nil || left < 10*time.Second || left > 16*time.Second {
		t.Errorf("without a deadline there were %s, %v", left, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 110*time.Millisecond)
	defer cancel()
	if _, err := client.FindOffices(ctx, &directoryv1.FindOfficesRequest{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("with 90 ms left: %v", err)
	}
	for _, path := range []string{"/pari.directory.v1.DirectoryService/Nothing", "/nowhere/Nothing", "//pari.directory.v1.DirectoryService/FindOffices"} {
		err := s.As(t, portal, "").Invoke(context.Background(), path, large, large)
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Ensure a service may take larger requests, up to its own limit.
func TestServer_MaxRequest(t *testing.T) {
	t.Parallel()
	config := rpc.Config{Service: "directory", Region: "all", Node: "centre", Vocabulary: codeLists, MaxRequest: 4 << 20}
	s := rpctest.NewWorld(t).Start(t, config, func(r grpc.ServiceRegistrar) { directoryv1.RegisterDirectoryServiceServer(r, server{}) })
	client := directoryv1.NewDirectoryServiceClient(s.As(t, portal, ""))
	for size, reason := range map[int]fault.Reason{70_000: fault.InvalidRequest, 4_000_000: fault.InvalidRequest, 4_300_000: fault.MessageTooLarge} {
		_, err := client.ListVocabularies(t.Context(), &directoryv1.ListVocabulariesRequest{Names: []string{strings.Repeat("x", size)}})
		if !fault.Is(fault.FromStatus(err), reason) {
			t.Errorf("%d bytes: %v, want %s", size, err, reason)
		}
	}
	if _, err := client.ListVocabularies(t.Context(), &directoryv1.ListVocabulariesRequest{Names: []string{strings.Repeat("x", 6<<20)}}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("far too large: %v", err)
	}
}

// Ensure health is told to programs of the network, and only to them.
func TestServer_Health(t *testing.T) {
	t.Parallel()
	s := start(t, nil, nil)
	answer, err := healthv1.NewHealthClient(s.As(t, portal, "")).Check(context.Background(), &healthv1.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("got %v, %v", answer, err)
	}
	if _, err := healthv1.NewHealthClient(s.Bare(t, &tls.Config{InsecureSkipVerify: true})).Check(context.Background(), &healthv1.HealthCheckRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a certificate: %v", err)
	}
}

// Ensure a service whose contract gives no rule does not start.
func TestServer_NeedsARuleForEveryMethod(t *testing.T) {
	t.Parallel()
	w := rpctest.NewWorld(t)
	s, err := rpc.NewServer(rpc.Config{Service: "x", Node: "centre", Source: w.Source(t, rpctest.ID("all", "centre", "service", "x")), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "nowhere.Service", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Do"}}}, struct{}{})
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(context.Background(), listener); err == nil || !strings.Contains(err.Error(), "/nowhere.Service/Do") {
		t.Errorf("got %v", err)
	}
}

// Ensure a client refuses a server that is not the one it asked for.
func TestDial_ChecksTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, nil, func(context.Context) error { return nil })
	conn, err := rpc.Dial(s.Addr, s.World.Source(t, portal), rpc.Service("intake", "cremona"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := find(conn, &directoryv1.FindOfficesRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}
