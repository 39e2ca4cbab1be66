package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

var shared struct {
	once    sync.Once
	dir     string
	cluster *cluster.Cluster
	err     error
}

func TestMain(m *testing.M) {
	m.Run()
	if shared.cluster != nil {
		shared.cluster.Stop()
	}
	_ = os.RemoveAll(shared.dir)
	cluster.RemoveBinaries()
}

// harness is a running cluster with clients of its services.
type harness struct{ *cluster.Cluster }

// sharedHarness returns a cluster for tests that do not break it. All such tests share it.
func sharedHarness(t *testing.T) *harness {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "pari-e2e-"); shared.err == nil {
			shared.cluster, shared.err = cluster.New(context.Background(), shared.dir, cluster.Options{
				Settings: map[string]string{"PARI_CALLS_PER_SECOND": "1000000"}, // tests call more often than programs
			})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &harness{shared.cluster}
}

// caller is the identity of a call: a system of a node, and the person who uses it. Without a node, the system belongs
// to the node that is called.
type caller struct {
	node, system, user, token string
	// badCert replaces the certificate: "none", "expired" or "foreign".
	badCert string
}

func system(name string) caller { return caller{system: name} }

func person(user string) caller { return caller{system: "console", user: user} }

// tokens caches access tokens by provider and user.
var tokens sync.Map

func (h *harness) token(t *testing.T, user string) string {
	t.Helper()
	net := h.Client()
	key := net.Issuer + user
	if token, ok := tokens.Load(key); ok {
		return token.(string)
	}
	token, _, err := net.SignIn(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	tokens.Store(key, token)
	return token
}

// conn connects to a service of a node until the test ends.
func (h *harness) conn(t *testing.T, service, node string, as caller) *grpc.ClientConn {
	t.Helper()
	if as.user != "" {
		as.token = h.token(t, as.user)
	}
	if as.node == "" {
		as.node = node
	}
	var conn *grpc.ClientConn
	var err error
	if as.badCert != "" {
		creds := credentials.NewTLS(h.badTLSConfig(t, as.badCert))
		conn, err = grpc.NewClient(h.Addr[service], grpc.WithTransportCredentials(creds))
	} else {
		conn, err = h.Client().Conn(service, as.system+"."+as.node, as.token)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// badTLSConfig returns a client side with a bad certificate; see caller.
func (h *harness) badTLSConfig(t *testing.T, badCert string) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(h.Authority.Certificate())
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if badCert == "none" {
		return config
	}
	id := identity.ID{
		TrustDomain: network.TrustDomain, Tenant: tenant.ID{Region: "lombardia", Node: "cremona"},
		Kind: identity.KindSystem, Name: "protocollo",
	}
	dir, authority, notAfter := t.TempDir(), h.Authority, time.Now().Add(time.Hour)
	if badCert == "expired" {
		notAfter = time.Now().Add(-time.Minute)
	}
	if badCert == "foreign" {
		var err error
		if authority, err = devpki.Open(filepath.Join(dir, "authority")); err != nil {
			t.Fatal(err)
		}
	}
	if err := authority.IssueFor(id, dir, time.Now().Add(-2*time.Hour), notAfter); err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	// Unlike Certificates, the callback presents the certificate even when the server does not accept its authority.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	return config
}

// Intake returns a client of a node's intake.
func (h *harness) Intake(t *testing.T, node string, as caller) intakev1.IntakeServiceClient {
	t.Helper()
	return intakev1.NewIntakeServiceClient(h.conn(t, "intake."+node, node, as))
}

// Cases returns a client of a node's case management.
func (h *harness) Cases(t *testing.T, node string, as caller) casemanagementv1.CaseManagementServiceClient {
	t.Helper()
	return casemanagementv1.NewCaseManagementServiceClient(h.conn(t, "casemanagement."+node, node, as))
}

// Directory returns a client of the directory of "centre", or of a node's replica.
func (h *harness) Directory(t *testing.T, node string, as caller) directoryv1.DirectoryServiceClient {
	t.Helper()
	service := "directory"
	if node != "centre" {
		service += "." + node
	}
	return directoryv1.NewDirectoryServiceClient(h.conn(t, service, node, as))
}

// Reporting returns a client of reporting, as the analyst.
func (h *harness) Reporting(t *testing.T) reportingv1.ReportingServiceClient {
	t.Helper()
	return reportingv1.NewReportingServiceClient(h.conn(t, "reporting", "centre", person("analyst")))
}

// ListReports returns all reports of a node.
func (h *harness) ListReports(t *testing.T, node string) (all []*intakev1.Report) {
	t.Helper()
	intake := h.Intake(t, node, person("operator-"+node))
	req := &intakev1.ListReportsRequest{PageSize: 200}
	for {
		page, err := retry(t.Context(), intake.ListReports, req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetReports()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// ListCases returns all cases of a node.
func (h *harness) ListCases(t *testing.T, node string) (all []*casemanagementv1.Case) {
	t.Helper()
	cases := h.Cases(t, node, person("operator-"+node))
	req := &casemanagementv1.ListCasesRequest{PageSize: 200}
	for {
		page, err := retry(t.Context(), cases.ListCases, req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetCases()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// publish proposes an entry as an editor of the centre, approves it as the publisher, and returns the new revision.
func (h *harness) publish(t *testing.T, e *directoryv1.Entry) (revision int64) {
	t.Helper()
	editor, publisher := h.Directory(t, "centre", person("editor")), h.Directory(t, "centre", person("publisher"))
	proposed, err := editor.ProposeChanges(callContext(t), &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{e},
	})
	if err != nil {
		t.Fatalf("%v: %v", err, parseRefusal(t, err).fields)
	}
	p := proposed.GetProposal()
	decided, err := publisher.DecideProposal(callContext(t), &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(),
		Decision: directoryv1.Decision_DECISION_APPROVE,
	})
	if err != nil {
		t.Fatal(err)
	}
	return decided.GetProposal().GetRevision()
}

// callContext bounds one call, or a few, of a test.
func callContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// method is a unary RPC of a generated client.
type method[Req, Resp any] = func(ctx context.Context, req Req, opts ...grpc.CallOption) (Resp, error)

// retry repeats a call with the same request while the error is temporary, until ctx ends.
func retry[Req, Resp any](ctx context.Context, call method[Req, Resp], req Req) (Resp, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		resp, err := call(attempt, req)
		cancel()
		switch status.Code(err) {
		case codes.OK:
			return resp, nil
		case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
			select {
			case <-ctx.Done():
				return resp, fmt.Errorf("no response: %w", err)
			case <-time.After(100 * time.Millisecond):
			}
		default:
			return resp, err
		}
	}
}

// eventually waits until the condition holds, and fails the test after 30 seconds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("timeout: " + what)
		}
	}
}
