package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/identity"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
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

// net is a running network, seen by those who use it.
type net struct{ *cluster.Cluster }

// everyones is the network that tests share which break nothing.
func everyones(t *testing.T) *net {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "pari-e2e-"); shared.err == nil {
			shared.cluster, shared.err = cluster.New(context.Background(), shared.dir, cluster.Options{})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &net{shared.cluster}
}

// caller is who calls: a system of a node (by default of the one that is called), and a person who speaks through it. Cert
// spoils the certificate: "none", "expired", "foreign".
type caller struct{ cert, node, system, persona, token string }

func system(name string) caller { return caller{system: name} }

func person(persona string) caller { return caller{system: "console", persona: persona} }

var tokens sync.Map // of persona and network, for the life of the tests

func (n *net) conn(t *testing.T, service, node string, as caller) *grpc.ClientConn {
	t.Helper()
	a := n.Client()
	if as.persona != "" {
		key := a.Issuer + as.persona
		token, known := tokens.Load(key)
		if !known {
			var err error
			if token, _, err = a.SignIn(t.Context(), as.persona); err != nil {
				t.Fatal(err)
			}
			tokens.Store(key, token)
		}
		as.token = token.(string)
	}
	if as.node == "" {
		as.node = node
	}
	var conn *grpc.ClientConn
	var err error
	if as.cert != "" {
		conn, err = grpc.NewClient(n.Addr[service], grpc.WithTransportCredentials(credentials.NewTLS(n.spoilt(t, as.cert))))
	} else {
		conn, err = a.Conn(service, as.system+"."+as.node, as.token)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// spoilt is the side of a client whose certificate is not what it should be.
func (n *net) spoilt(t *testing.T, how string) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(n.Authority.Certificate())
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if how == "none" {
		return config
	}
	id := identity.ID{TrustDomain: network.TrustDomain, Region: "lombardia", Node: "cremona", Kind: identity.KindSystem, Name: "protocollo"}
	dir, authority, until := t.TempDir(), n.Authority, time.Now().Add(time.Hour)
	if how == "expired" {
		until = time.Now().Add(-time.Minute)
	}
	if how == "foreign" {
		var err error
		if authority, err = devpki.Open(filepath.Join(dir, "authority")); err != nil {
			t.Fatal(err)
		}
	}
	if err := authority.IssueFor(id, dir, time.Now().Add(-2*time.Hour), until); err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	// Sent whatever authorities the server names.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	return config
}

// Intake of a node.
func (n *net) Intake(t *testing.T, node string, as caller) intakev1.IntakeServiceClient {
	t.Helper()
	return intakev1.NewIntakeServiceClient(n.conn(t, "intake."+node, node, as))
}

// Casework of a node.
func (n *net) Casework(t *testing.T, node string, as caller) casemanagementv1.CaseManagementServiceClient {
	t.Helper()
	return casemanagementv1.NewCaseManagementServiceClient(n.conn(t, "casemanagement."+node, node, as))
}

// Reports are all reports of a node, page by page.
func (n *net) Reports(t *testing.T, node string) (all []*intakev1.Report) {
	t.Helper()
	desk := n.Intake(t, node, person("operator-"+node))
	req := &intakev1.ListReportsRequest{PageSize: 200}
	for {
		page, err := insist(t.Context(), func(ctx context.Context, r *intakev1.ListReportsRequest) (*intakev1.ListReportsResponse, error) {
			return desk.ListReports(ctx, r)
		}, req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetReports()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// Cases are all cases of a node, page by page.
func (n *net) Cases(t *testing.T, node string) (all []*casemanagementv1.Case) {
	t.Helper()
	office := n.Casework(t, node, person("operator-"+node))
	req := &casemanagementv1.ListCasesRequest{PageSize: 200}
	for {
		page, err := insist(t.Context(), func(ctx context.Context, r *casemanagementv1.ListCasesRequest) (*casemanagementv1.ListCasesResponse, error) {
			return office.ListCases(ctx, r)
		}, req)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetCases()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// agree waits until the centre counts what the nodes hold: every event applied, none missing, none parked, no report and no
// case more or less.
func (n *net) agree(t *testing.T, nodes []string) {
	t.Helper()
	type totals struct{ reports, cases int64 }
	held := map[string]totals{}
	for _, node := range nodes {
		held[node] = totals{int64(len(n.Reports(t, node))), int64(len(n.Cases(t, node)))}
	}
	centre := reportingv1.NewReportingServiceClient(n.conn(t, "reporting", "centre", person("analyst")))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := insist(ctx, func(ctx context.Context, r *reportingv1.GetFeedStatusRequest) (*reportingv1.GetFeedStatusResponse, error) {
			return centre.GetFeedStatus(ctx, r)
		}, &reportingv1.GetFeedStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var wrong []string
		known := 0
		for _, at := range answer.GetNodes() {
			want, ok := held[at.GetNode()]
			if !ok {
				continue
			}
			known++
			if at.GetReports() != want.reports || at.GetCases() != want.cases {
				wrong = append(wrong, fmt.Sprintf("%s holds %+v, the centre counts %d reports and %d cases", at.GetNode(), want, at.GetReports(), at.GetCases()))
			}
			for _, l := range at.GetLines() {
				if l.GetAppliedNodeSeq() != l.GetLastNodeSeq() || l.GetGaps() != 0 || l.GetParked() != 0 {
					wrong = append(wrong, fmt.Sprintf("line %s.%s: %v", at.GetNode(), l.GetSource(), l))
				}
			}
		}
		if len(wrong) == 0 && known == len(nodes) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("centre and nodes do not agree: %s", strings.Join(wrong, "; "))
		case <-tick.C:
		}
	}
}
