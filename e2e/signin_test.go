package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/idp"
	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// reasonOf returns the reason of a refusal, "" for nil.
func reasonOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	return parseRefusal(t, err).reason
}

// startIssuer starts another OpenID provider, which speaks for the tenants, until the test ends. The services do not
// know it yet.
func (h *harness) startIssuer(t *testing.T, name string, users []idp.User, tenants ...tenant.ID) idp.Issuer {
	t.Helper()
	dir := t.TempDir()
	id := identity.ID{TrustDomain: network.TrustDomain, Tenant: tenants[0], Kind: identity.KindService, Name: "issuer"}
	if err := h.Authority.Issue(id, dir); err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := idp.Issuer{
		Name: name, URL: "https://" + listener.Addr().String(), CAFile: h.Authority.CAPath(), Tenants: tenants,
		Users: users,
	}
	provider, err := idp.New(idp.Config{
		Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Issuer: issuer.URL, Users: users, Log: slog.New(slog.DiscardHandler),
		SigningKeyFile: filepath.Join(dir, "token.key.pem"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- provider.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return issuer
}

// trust makes the services accept these issuers and no others. They read the file again within a second.
func (h *harness) trust(t *testing.T, issuers ...idp.Issuer) {
	t.Helper()
	file, err := idp.IssuersFile(issuers...)
	if err == nil {
		err = os.WriteFile(filepath.Join(h.Dir, "issuers.yaml"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tokenOf signs a user in at an issuer.
func (h *harness) tokenOf(t *testing.T, issuer idp.Issuer, user string) string {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(h.Authority.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	c := &http.Client{Timeout: 10 * time.Second, Transport: transport}
	token, _, err := client.SignIn(t.Context(), c, issuer.URL, user)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Ensure each municipality can have an identity provider of its own, which speaks for that municipality only: it gives
// no role elsewhere and none at the centre, its people are others than those of the same name elsewhere, and it can be
// dismissed without a restart.
func TestIssuers(t *testing.T) {
	t.Parallel()
	h := &harness{cluster.Start(t, cluster.Options{})}
	cremona := h.Client().Tenants["cremona"]
	comune := h.startIssuer(t, "comune", []idp.User{
		{Name: "operator-cremona", Groups: []string{"lombardia/cremona/operator"}},
		{Name: "mario", Groups: []string{"all/centre/analyst", "piemonte/cuneo/operator", "lombardia/centre/analyst"}},
	}, cremona)
	operator := caller{system: "console", token: h.tokenOf(t, comune, "operator-cremona")}
	mario := caller{system: "console", token: h.tokenOf(t, comune, "mario")}
	list := func(node string, as caller) string {
		_, err := h.Intake(t, node, as).ListReports(callContext(t), &intakev1.ListReportsRequest{})
		return reasonOf(t, err)
	}
	tables := func(as caller) string {
		reporting := reportingv1.NewReportingServiceClient(h.conn(t, "reporting", "centre", as))
		_, err := reporting.GetFeedStatus(callContext(t), &reportingv1.GetFeedStatusRequest{})
		return reasonOf(t, err)
	}
	if got := list("cremona", operator); got != "BAD_TOKEN" {
		t.Errorf("before the issuer is trusted: %q", got)
	}
	h.trust(t, h.SignIn(), comune)
	eventually(t, "the issuer is trusted", func() bool { return list("cremona", operator) == "" })
	for name, got := range map[string]string{
		"its operator elsewhere":                 list("cuneo", operator),
		"a role of another node":                 list("cuneo", mario),
		"a role of the centre, through the node": list("cremona", mario),
		"a role of the centre":                   tables(mario),
	} {
		if got != "WRONG_NODE" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := list("cremona", person("operator-cremona")); got != "" {
		t.Errorf("the network's own issuer: %q", got)
	}

	// Two people of the same subject are not the same person.
	intake := h.Intake(t, "cremona", operator)
	submitted, err := intake.SubmitReport(callContext(t), report())
	if err != nil {
		t.Fatal(err)
	}
	req := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: submitted.GetReportId(), Version: 1}
	if _, err := h.Intake(t, "cremona", person("operator-cremona")).TakeInCharge(callContext(t), req); err != nil {
		t.Fatal(err)
	}
	got, err := intake.GetReport(callContext(t), &intakev1.GetReportRequest{ReportId: submitted.GetReportId()})
	if err != nil {
		t.Fatal(err)
	}
	history := got.GetReport().GetHistory()
	if first, second := history[0].GetBy().GetPerson(), history[1].GetBy().GetPerson(); first !=
		"operator-cremona@comune" || second != "operator-cremona@sign-in" {
		t.Errorf("the history says %s and %s", first, second)
	}

	h.trust(t, h.SignIn())
	eventually(t, "the issuer is dismissed", func() bool { return list("cremona", operator) == "BAD_TOKEN" })
}

// hiddenOffice returns an office of a node whose address is not public.
func hiddenOffice(id string, of tenant.ID, node, territory string) *directoryv1.Entry {
	id = "riservato-" + id
	return &directoryv1.Entry{Kind: "office", Id: id, Content: &directoryv1.Entry_Office{Office: &directoryv1.Office{
		OfficeId: id, Name: "Rifugio", Kind: "DESK", Region: of.Region, Node: node, Source: "prova",
		VerifiedOn: "2026-11-26", State: "ACTIVE", Territories: []string{territory},
		Visibility: directoryv1.Visibility_VISIBILITY_HIDDEN, Phones: []*directoryv1.Phone{{Number: "333 1"}},
	}}}
}

// Ensure rights of different grants do not add up: an analyst of all regions who edits Lombardia's directory is neither
// an editor of Piemonte nor one who sees every hidden office, and a publisher of Lombardia who may look at all of the
// feed decides nothing about Piemonte.
func TestMixedGrants(t *testing.T) {
	t.Parallel()
	h := &harness{cluster.Start(t, cluster.Options{})}
	centre := h.startIssuer(t, "regione", []idp.User{
		{Name: "mixed", Groups: []string{"all/centre/analyst", "lombardia/centre/editor"}},
		{Name: "decides", Groups: []string{"all/centre/auditor", "lombardia/centre/publisher"}},
		{Name: "piemonte", Groups: []string{"piemonte/centre/analyst", "lombardia/centre/editor"}},
	}, tenant.Centre)
	h.trust(t, h.SignIn(), centre)
	as := func(user string) caller { return caller{system: "console", token: h.tokenOf(t, centre, user)} }
	mixed := as("mixed")
	cuneo := h.Client().Tenants["cuneo"]
	hidden := hiddenOffice("0123456789abcdef", cuneo, "cuneo", "004078")
	revision := h.publish(t, hidden)
	ctx := callContext(t)

	directory := h.Directory(t, "centre", mixed)
	get := func(as caller) string {
		_, err := h.Directory(t, "centre", as).GetOffice(ctx,
			&directoryv1.GetOfficeRequest{OfficeId: hidden.GetOffice().GetOfficeId()})
		return reasonOf(t, err)
	}
	eventually(t, "the issuer is trusted", func() bool { return get(mixed) != "BAD_TOKEN" })
	eventually(
		t,
		"the editor of every region sees the hidden office",
		func() bool { return get(person("editor")) == "" },
	)
	if got := get(mixed); got != "NOT_FOUND" {
		t.Errorf("an analyst of all regions and editor of one sees a hidden office: %q", got)
	}

	// What the editor of Lombardia may propose.
	propose := func(e *directoryv1.Entry, revision int64) (*directoryv1.Proposal, string) {
		e.Revision = revision
		resp, err := directory.ProposeChanges(ctx, &directoryv1.ProposeChangesRequest{
			RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{e},
		})
		return resp.GetProposal(), reasonOf(t, err)
	}
	entry := func(kind, id string) *directoryv1.Entry {
		resp, err := directory.GetEntry(ctx, &directoryv1.GetEntryRequest{Kind: kind, Id: id})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetEntry()
	}
	ours, theirs := entry("node", "cremona"), entry("node", "cuneo")
	ours.GetNode().Description, theirs.GetNode().Description = "prova", "prova"
	if p, got := propose(ours, ours.GetRevision()); got != "" || p == nil {
		t.Errorf("an entry of the editor's region: %q", got)
	}
	if _, got := propose(theirs, theirs.GetRevision()); got != "WRONG_NODE" {
		t.Errorf("an entry of another region: %q", got)
	}
	if _, got := propose(hidden, revision); got == "" {
		t.Error("a hidden entry of another region was proposed")
	}

	// What the publisher of Lombardia may decide.
	proposed, err := h.Directory(t, "centre", person("editor")).ProposeChanges(ctx, &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{theirs},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Directory(t, "centre", as("decides")).DecideProposal(ctx, &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: proposed.GetProposal().GetProposalId(), Version: 1,
		Decision: directoryv1.Decision_DECISION_APPROVE,
	})
	if got := reasonOf(t, err); got != "WRONG_NODE" {
		t.Errorf("a proposal of another region was decided: %q", got)
	}

	// What the analyst of Piemonte sees of the tables.
	reporting := reportingv1.NewReportingServiceClient(h.conn(t, "reporting", "centre", as("piemonte")))
	for region, want := range map[string]string{"piemonte": "", "lombardia": "WRONG_REGION"} {
		_, err := reporting.GetTable(ctx, &reportingv1.GetTableRequest{Table: "T2", Region: region, Year: 2026})
		if got := reasonOf(t, err); got != want {
			t.Errorf("table of %s: %q, want %q", region, got, want)
		}
	}
}
