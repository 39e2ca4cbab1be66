package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure a caller is authenticated before anything else about its request is checked, inside log, status and recover.
func TestPipeline_Order(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range (&pipeline{}).steps() {
		names = append(names, s.name)
	}
	want := []string{"path", "log", "status", "recover", "identity", "access", "deadline", "rate", "turn"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// Ensure a call reaches the other steps only by the exact path of a method.
func TestPipeline_Path(t *testing.T) {
	t.Parallel()
	const method = "/pari.directory.v1.DirectoryService/FindOffices"
	p := &pipeline{rules: map[string]rule{method: {}}}
	for path, want := range map[string]codes.Code{
		method: codes.OK, method[1:]: codes.Unimplemented, "/" + method: codes.Unimplemented, "": codes.Unimplemented,
	} {
		called := false
		err := p.path(t.Context(), &call{method: path}, func(context.Context) error { called = true; return nil })
		if status.Code(err) != want || called != (want == codes.OK) {
			t.Errorf("%q: %v, called %t", path, err, called)
		}
	}
}

// reasonOf returns the reason of a fault, "" for nil, and the text of any other error.
func reasonOf(err error) fault.Reason {
	if reason := fault.ReasonOf(err); reason != "" || err == nil {
		return reason
	}
	return fault.Reason(err.Error())
}

// authority issues certificates for tests of this package, which rpctest would import.
type authority struct {
	t   *testing.T
	pki *devpki.Authority
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	pki, err := devpki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return authority{t, pki}
}

func (a authority) issue(id identity.ID) (dir string) {
	a.t.Helper()
	dir = a.t.TempDir()
	if err := a.pki.Issue(id, dir); err != nil {
		a.t.Fatal(err)
	}
	return dir
}

func (a authority) source(id identity.ID) *identity.Source {
	a.t.Helper()
	s, err := identity.LoadSource(a.issue(id))
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// peerContext is the context of a call from a client with a certificate for id.
func (a authority) peerContext(id identity.ID) context.Context {
	a.t.Helper()
	dir := a.issue(id)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		a.t.Fatal(err)
	}
	info := credentials.TLSInfo{State: tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}}}
	return peer.NewContext(context.Background(), &peer.Peer{AuthInfo: info})
}

func testID(kind, name string) identity.ID {
	return identity.ID{
		TrustDomain: "pari.test",
		Tenant:      tenant.ID{Region: "lombardia", Node: "cremona"},
		Kind:        kind,
		Name:        name,
	}
}

// issuers accepts the tokens of one issuer.
func (a authority) issuers(url string) *identity.Issuers {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "issuers.yaml")
	file := "issuers: [{name: away, url: \"" + url + "\", tenants: [lombardia/cremona]}]"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		a.t.Fatal(err)
	}
	issuers, err := identity.LoadIssuers(path, slog.New(slog.DiscardHandler))
	if err != nil {
		a.t.Fatal(err)
	}
	return issuers
}

// unsigned returns a token of the issuer without a signature.
func unsigned(issuer string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"typ":"at+jwt"}`)) + "." + encode([]byte(`{"iss":"`+issuer+`"}`)) + ".AA"
}

// Ensure a call over a connection without TLS is refused, and so is every token that is not one bearer token of a
// person through a system.
func TestPipeline_CallerRefusals(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	away := a.issuers("https://127.0.0.1:1") // nobody listens there
	service := a.peerContext(testID(identity.KindService, "intake"))
	system := a.peerContext(testID(identity.KindSystem, "portal"))
	with := func(ctx context.Context, values ...string) context.Context {
		return metadata.NewIncomingContext(ctx, metadata.MD{"authorization": values})
	}
	for name, c := range map[string]struct {
		ctx     context.Context
		issuers *identity.Issuers
		want    fault.Reason
	}{
		"no peer":          {context.Background(), away, fault.NoCertificate},
		"no TLS":           {peer.NewContext(context.Background(), &peer.Peer{}), away, fault.NoCertificate},
		"no issuers":       {with(system, "Bearer abc"), nil, fault.BadToken},
		"two tokens":       {with(system, "Bearer abc", "Bearer abc"), away, fault.BadToken},
		"not a bearer":     {with(system, "Basic abc"), away, fault.BadToken},
		"through services": {with(service, "Bearer abc"), away, fault.BadToken},
		"issuer away":      {with(system, "Bearer "+unsigned("https://127.0.0.1:1")), away, fault.Unavailable},
		"no token":         {system, away, ""},
	} {
		p := &pipeline{config: Config{
			Source: a.source(testID(identity.KindService, "directory")), Issuers: c.issuers, Now: time.Now,
		}, rates: newRates(1000)}
		err := p.identity(c.ctx, &call{}, func(context.Context) error { return nil })
		if reasonOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// Ensure a call has as long as its method allows, 15 seconds unless the rule says otherwise, or less if its caller gave
// it less, and is not started with less than 100 ms left.
func TestPipeline_Deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for timeout, want := range map[time.Duration]time.Duration{
			0: 15 * time.Second, time.Minute: 15 * time.Second, time.Second: time.Second,
			100 * time.Millisecond: 100 * time.Millisecond, 100*time.Millisecond - 1: 0,
			-1: 40 * time.Second, // of the method
		} {
			c := &accessv1.Rule{}
			if timeout < 0 {
				timeout, c.DeadlineSeconds = 0, 40
			}
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			if timeout != 0 {
				ctx, cancel = context.WithTimeout(ctx, timeout)
			}
			var got time.Duration
			ctx = withTimeout(ctx, rule{Rule: c}.deadline()) // as at the headers
			err := (&pipeline{}).deadline(ctx, &call{rule: rule{Rule: c}}, func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				got = time.Until(deadline)
				return nil
			})
			cancel()
			if got != want || fault.Is(err, fault.DeadlineTooShort) != (want == 0) {
				t.Errorf("with %s the handler had %s, %v; want %s", timeout, got, err, want)
			}
		}
	})
}

// Ensure a request may be as large as the limit and no larger.
func TestPipeline_Size(t *testing.T) {
	t.Parallel()
	m := wrapperspb.String("four")
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]fault.Reason{proto.Size(m): "", proto.Size(m) - 1: fault.MessageTooLarge} {
		p := &pipeline{rates: newRates(1), validator: validator}
		err := p.check(&call{rule: rule{Rule: &accessv1.Rule{MaxRequestBytes: int32(limit)}}}, m)
		if reasonOf(err) != want {
			t.Errorf("limit %d: %v, want %q", limit, err, want)
		}
		if f := (*fault.Error)(nil); errors.As(err, &f) && f.Meta["max_bytes"] != strconv.Itoa(limit) {
			t.Errorf("limit %d: told as %v", limit, f.Meta)
		}
	}
}

// checkerFunc is a service with a rule of its own.
type checkerFunc func(proto.Message) []fault.Field

func (f checkerFunc) Check(m proto.Message) []fault.Field { return f(m) }

// Ensure texts are mended before they are validated, so that the rules, the service and its hash of the request see the
// mended ones; lines and dates are refused for what cannot be mended, before the handler.
func TestPipeline_MendsTexts(t *testing.T) {
	t.Parallel()
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{rates: newRates(1000), validator: validator}
	request := func(note string) *directoryv1.DecideProposalRequest {
		return &directoryv1.DecideProposalRequest{
			RequestId: uuid.NewString(), ProposalId: uuid.NewString(), Version: 1,
			Decision: directoryv1.Decision_DECISION_APPROVE, Note: note,
		}
	}
	for in, want := range map[string]string{
		"uno\r\n\x00due\t ":                      "uno\ndue",
		strings.Repeat("\r\n", 9999):             "",
		strings.Repeat("e\u0301", 4000) + "\x00": strings.Repeat("é", 4000),
	} {
		req, seen := request(in), ""
		service := checkerFunc(func(m proto.Message) []fault.Field {
			seen = m.(*directoryv1.DecideProposalRequest).GetNote()
			return nil
		})
		if err := p.check(&call{server: service}, req); err != nil || req.GetNote() != want || seen != want {
			t.Errorf("%.20q: got %q, the service %q, %v", in, req.GetNote(), seen, err)
		}
	}
	invalid := &directoryv1.ListEntriesRequest{PageToken: "a\x00", VerifiedBefore: "2027-02-29"}
	want := map[string]fault.Reason{"page_token": fault.BadFormat, "verified_before": fault.ImpossibleDate}
	var f *fault.Error
	if err := p.check(&call{}, invalid); !errors.As(err, &f) || len(f.Fields) != len(want) {
		t.Fatalf("got %v", err)
	}
	for _, field := range f.Fields {
		if field.Reason != want[field.Path] {
			t.Errorf("got %v", field)
		}
	}
}

// Ensure a status carries the id of the trace, by which operators find the log.
func TestPipeline_StatusHasTheTraceID(t *testing.T) {
	t.Parallel()
	traced := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	for want, ctx := range map[string]context.Context{
		"01000000000000000000000000000000": traced, "": context.Background(),
	} {
		err := (&pipeline{}).status(ctx, &call{}, func(context.Context) error { return fault.New(fault.NotFound) })
		var f *fault.Error
		if !errors.As(fault.FromStatus(err), &f) || f.Meta["trace_id"] != want {
			t.Errorf("got %v; want trace id %q", err, want)
		}
	}
}

// Ensure only failures of the service itself are logged as errors.
func TestPipeline_LogLevel(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]string{
		codes.OK: "INFO", codes.NotFound: "INFO", codes.Unavailable: "INFO", codes.Internal: "ERROR",
		codes.Unknown: "ERROR", codes.DataLoss: "ERROR",
	} {
		var log bytes.Buffer
		p := &pipeline{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		_ = p.log(t.Context(), &call{}, func(context.Context) error { return status.Error(code, "x") })
		if !strings.Contains(log.String(), "level="+want) {
			t.Errorf("%v was logged as %s", code, log.String())
		}
	}
}

// Ensure the log of a panic names the function that panicked, and that the hash of a bug is the same each time and
// another than that of other bugs.
func TestPipeline_Recover(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := &pipeline{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	logged := func(next func(context.Context) error) string {
		log.Reset()
		if err := p.recover(t.Context(), &call{method: "/m"}, next); !fault.Is(fault.FromStatus(err), fault.Internal) {
			t.Errorf("got %v", err)
		}
		_, after, _ := strings.Cut(log.String(), "type=")
		return after
	}
	value := map[string]int(nil)
	nilMap := func(context.Context) error { value["anna"]++; return nil }
	thrown := func(context.Context) error { panic(errors.New("anna")) }
	first, again, other := logged(nilMap), logged(nilMap), logged(thrown)
	if first != again || first == other || strings.Contains(other, "anna") {
		t.Errorf("logged %s, %s and %s", first, again, other)
	}
	if !strings.Contains(other, "rpc.TestPipeline_Recover.func") || !strings.Contains(first, "runtime.boundsError") &&
		!strings.Contains(first, "runtime.") {
		t.Errorf("logged %s and %s", first, other)
	}
}

// Ensure the caller's deadline is shortened at each hop, and a call without one stays without.
func TestReserveDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for timeout, want := range map[time.Duration]time.Duration{0: 0, time.Second: 980 * time.Millisecond} {
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			if timeout != 0 {
				ctx, cancel = context.WithTimeout(ctx, timeout)
			}
			var got time.Duration
			invoke := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				if deadline, ok := ctx.Deadline(); ok {
					got = time.Until(deadline)
				}
				return nil
			}
			err := reserveDeadline(ctx, "", nil, nil, nil, invoke)
			cancel()
			if err != nil || got != want {
				t.Errorf("with %s the call had %s, want %s", timeout, got, want)
			}
		}
	})
}

// Ensure a configuration that leaves a limit out gets the documented one, and one that sets it keeps it.
func TestNewServer_Defaults(t *testing.T) {
	t.Parallel()
	source := newAuthority(t).source(testID(identity.KindService, "directory"))
	s, err := NewServer(Config{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	c := s.pipeline.config
	if c.PerSecond != 2000 || c.MaxConnections != 256 || len(c.Tenants) != 1 || c.Tenants[0] != source.ID().Tenant ||
		c.Now == nil {
		t.Errorf("defaults are %+v", c)
	}
	now := func() time.Time { return time.Unix(7, 0) }
	s, err = NewServer(Config{
		Tenants: []tenant.ID{
			tenant.Centre,
			{Region: "lombardia", Node: "milano"},
		}, Source: source, PerSecond: 1, MaxConnections: 2, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c = s.pipeline.config; c.PerSecond != 1 || c.MaxConnections != 2 || len(c.Tenants) != 2 || c.Now().Unix() != 7 {
		t.Errorf("given values became %+v", c)
	}
}

// Ensure a server reports that it does not serve until Serve is called.
func TestNewServer_IsNotReady(t *testing.T) {
	t.Parallel()
	source := newAuthority(t).source(testID(identity.KindService, "directory"))
	s, err := NewServer(Config{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	check := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		resp, err := s.health.Check(t.Context(), &healthv1.HealthCheckRequest{})
		if err != nil || resp.GetStatus() != want {
			t.Errorf("got %v, %v; want %v", resp, err, want)
		}
	}
	check(healthv1.HealthCheckResponse_NOT_SERVING)
	s.SetReady(true)
	check(healthv1.HealthCheckResponse_SERVING)
	s.SetReady(false)
	check(healthv1.HealthCheckResponse_NOT_SERVING)
}

// Ensure the contract is served to tools only where the configuration says so.
func TestNewServer_Reflection(t *testing.T) {
	t.Parallel()
	source := newAuthority(t).source(testID(identity.KindService, "directory"))
	for _, want := range []bool{false, true} {
		s, err := NewServer(Config{Source: source, Reflection: want})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := s.grpc.GetServiceInfo()["grpc.reflection.v1.ServerReflection"]; got != want {
			t.Errorf("reflection %t, want %t", got, want)
		}
	}
}
