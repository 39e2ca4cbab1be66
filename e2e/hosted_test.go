package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/tenant"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// Ensure one intake and one case management serve two nodes, each walled off: with its own certificate, people, numbers
// and partition of the feed, no matter how much the other calls, and also when the other is stopped.
func TestHosted(t *testing.T) {
	t.Parallel()
	nodes := []network.Node{
		{Name: "cremona", Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, NumberPrefix: "CR", Hosted: true},
		{Name: "milano", Tenant: tenant.ID{Region: "lombardia", Node: "milano"}, NumberPrefix: "MI", Hosted: true},
	}
	h := &harness{cluster.Start(t, cluster.Options{Network: nodes})}
	if h.Addr["intake.cremona"] != h.Addr["intake.milano"] {
		t.Fatal("the nodes have processes of their own")
	}
	ids := map[string]string{}
	for node, prefix := range map[string]string{"cremona": "CR-", "milano": "MI-"} {
		for range 3 {
			resp, err := h.Intake(t, node, system("protocollo")).SubmitReport(callContext(t), report())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(resp.GetNumber(), prefix) {
				t.Errorf("%s gave the number %s", node, resp.GetNumber())
			}
			ids[node] = resp.GetReportId()
		}
	}
	for node, other := range map[string]string{"cremona": "milano", "milano": "cremona"} {
		hostedNodeIsWalled(t, h, node, other, ids)
	}
	eventually(t, "the centre has the events of both nodes", func() bool {
		acknowledged := h.acknowledged(t)
		return acknowledged["cremona intake"] == 3 && acknowledged["milano intake"] == 3 &&
			acknowledged["cremona casemanagement"] == 1 && acknowledged["milano casemanagement"] == 1
	})
	hostedNodeSurvivesAFlood(t, h)
	hostedNodeIsStopped(t, h)
}

// hostedNodeIsStopped denies what acts for one node, without a restart. Neither its calls nor its events pass any more;
// those of the other do.
func hostedNodeIsStopped(t *testing.T, h *harness) {
	t.Helper()
	var denied strings.Builder
	denied.WriteString("identities:\n")
	for _, program := range []string{"system/protocollo", "service/intake", "service/casemanagement"} {
		denied.WriteString("- spiffe://" + network.TrustDomain + "/region/lombardia/node/cremona/" + program + "\n")
	}
	if err := os.WriteFile(filepath.Join(h.Dir, "denied.yaml"), []byte(denied.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	submit := func(node string) error {
		_, err := h.Intake(t, node, system("protocollo")).SubmitReport(callContext(t), report())
		return err
	}
	eventually(t, "the stopped node's calls are refused", func() bool { return submit("cremona") != nil })
	before := h.acknowledged(t)["milano intake"]
	for range 20 {
		if err := submit("milano"); err != nil {
			t.Errorf("a call beside a stopped node: %v", err)
		}
	}
	eventually(t, "events of the other node arrive", func() bool {
		return h.acknowledged(t)["milano intake"] >= before+20
	})
	if err := submit("cremona"); err == nil {
		t.Error("the stopped node's calls are taken again")
	}
}

// acknowledged returns how many events the centre has applied, by node and source.
func (h *harness) acknowledged(t *testing.T) map[string]int64 {
	t.Helper()
	resp, err := h.Reporting(t).GetFeedStatus(callContext(t), &reportingv1.GetFeedStatusRequest{Region: "lombardia"})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]int64{}
	for _, n := range resp.GetNodes() {
		for _, p := range n.GetLines() {
			acknowledged[n.GetNode()+" "+p.GetSource()] = p.GetAppliedNodeSeq()
		}
	}
	return acknowledged
}

// hostedNodeIsWalled takes a report of a node in charge, and tries to reach those of the other.
func hostedNodeIsWalled(t *testing.T, h *harness, node, other string, ids map[string]string) {
	t.Helper()
	if n := len(h.ListReports(t, node)); n != 3 {
		t.Errorf("%s lists %d reports, want 3", node, n)
	}
	desk := h.Intake(t, node, person("operator-"+node))
	_, err := desk.GetReport(callContext(t), &intakev1.GetReportRequest{ReportId: ids[other]})
	if got := reasonOf(t, err); got != "NOT_FOUND" {
		t.Errorf("%s reads a report of %s: %q", node, other, got)
	}
	stranger := caller{node: node, system: "console", user: "operator-" + other}
	_, err = h.Intake(t, node, stranger).ListReports(callContext(t), &intakev1.ListReportsRequest{})
	if got := reasonOf(t, err); got != "WRONG_NODE" {
		t.Errorf("a person of %s at %s: %q", other, node, got)
	}
	full := intakev1.ReportView_REPORT_VIEW_FULL
	got, err := desk.GetReport(callContext(t), &intakev1.GetReportRequest{ReportId: ids[node], View: full})
	if err != nil || got.GetReport().GetContent().GetNarrative() != report().GetContent().GetNarrative() {
		t.Errorf("%s cannot open its report: %v", node, err)
	}
	taken, err := desk.TakeInCharge(callContext(t), &intakev1.TakeInChargeRequest{
		RequestId: uuid.NewString(), ReportId: ids[node], Version: 1,
	})
	if err != nil || taken.GetReport().GetCaseId() == "" {
		t.Errorf("%s opens no case: %v, %v", node, taken, err)
	}
	if cases := h.ListCases(t, node); len(cases) != 1 || cases[0].GetNode() != node {
		t.Errorf("%s has the cases %v", node, cases)
	}
}

// hostedNodeSurvivesAFlood calls at one node as often as it can, and a few times at the other.
func hostedNodeSurvivesAFlood(t *testing.T, h *harness) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	flood := h.Intake(t, "cremona", person("operator-cremona"))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = flood.ListReports(ctx, &intakev1.ListReportsRequest{})
			}
		})
	}
	quiet := h.Intake(t, "milano", system("protocollo"))
	for range 50 {
		if _, err := quiet.SubmitReport(callContext(t), report()); err != nil {
			t.Errorf("a call beside a flood: %v", err)
		}
	}
	stop()
	wg.Wait()
}
