package e2e_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// The two municipalities of the name Livo, as the network names their parts.
const (
	livoComo   = "livo-como"
	livoTrento = "livo-trento"
)

// Ensure two nodes of the same name in two regions are two tenants: each sees, feeds, copies and edits its own only.
func TestHomonyms(t *testing.T) {
	t.Parallel()
	nodes := map[string]network.Node{
		livoComo: {
			Name: livoComo, Tenant: tenant.ID{Region: "lombardia", Node: "livo"}, NumberPrefix: "LV",
		},
		livoTrento: {
			Name: livoTrento, Tenant: tenant.ID{Region: "trentino-alto-adige", Node: "livo"}, NumberPrefix: "LV",
		},
	}
	h := &harness{cluster.Start(t, cluster.Options{Network: slices.Collect(maps.Values(nodes))})}

	t.Run("reports", func(t *testing.T) { homonymsReports(t, h) })
	t.Run("feed", func(t *testing.T) { homonymsFeed(t, h, nodes) })
	t.Run("directory", func(t *testing.T) { homonymsDirectory(t, h, nodes) })
}

// homonymsReports submits two reports at one node and one at the other.
func homonymsReports(t *testing.T, h *harness) {
	var reportID string
	for _, node := range []string{livoComo, livoComo, livoTrento} {
		resp, err := h.Intake(t, node, system("protocollo")).SubmitReport(callContext(t), report())
		if err != nil {
			t.Fatal(err)
		}
		reportID = resp.GetReportId()
	}
	for node, want := range map[string]int{livoComo: 2, livoTrento: 1} {
		reports := h.ListReports(t, node)
		if len(reports) != want {
			t.Errorf("%s lists %d reports, want %d", node, len(reports), want)
		}
	}
	_, err := h.Intake(t, livoComo, person("operator-"+livoComo)).GetReport(callContext(t),
		&intakev1.GetReportRequest{ReportId: reportID})
	if got := reasonOf(t, err); got != "NOT_FOUND" {
		t.Errorf("a report of the other node: %q", got)
	}

	// Neither the certificate nor the token of one node opens the other.
	list := func(as caller) string {
		_, err := h.Intake(t, livoTrento, as).ListReports(callContext(t), &intakev1.ListReportsRequest{})
		return reasonOf(t, err)
	}
	for name, as := range map[string]caller{
		"the other's person":  {node: livoTrento, system: "console", user: "operator-" + livoComo},
		"the other's console": {node: livoComo, system: "console", user: "operator-" + livoTrento},
		"both of the other":   {node: livoComo, system: "console", user: "operator-" + livoComo},
	} {
		if got := list(as); got != "WRONG_NODE" {
			t.Errorf("%s: %q", name, got)
		}
	}
	_, err = h.Intake(t, livoTrento, caller{node: livoComo, system: "protocollo"}).
		SubmitReport(callContext(t), report())
	if got := reasonOf(t, err); got != "WRONG_NODE" {
		t.Errorf("the other's registry submitted: %q", got)
	}

	// A client that wants one node does not talk to the other.
	net := h.Client()
	net.Addr = maps.Clone(net.Addr)
	net.Addr["intake."+livoComo] = net.Addr["intake."+livoTrento]
	conn, err := net.Conn("intake."+livoComo, "protocollo."+livoComo, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = intakev1.NewIntakeServiceClient(conn).SubmitReport(callContext(t), report())
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the client accepted the service of the other node: %v", err)
	}
}

// homonymsFeed compares what the centre has counted for each node.
func homonymsFeed(t *testing.T, h *harness, nodes map[string]network.Node) {
	reporting := h.Reporting(t)
	for name, want := range map[string]int64{livoComo: 2, livoTrento: 1} {
		of := nodes[name].Tenant
		eventually(t, "the centre has the reports of "+name, func() bool {
			resp, err := reporting.GetFeedStatus(callContext(t), &reportingv1.GetFeedStatusRequest{Region: of.Region})
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range resp.GetNodes() {
				if n.GetRegion() != of.Region {
					t.Errorf("the feed of %s contains %s", of.Region, n.GetRegion())
				}
				for _, p := range n.GetLines() {
					if n.GetNode() == of.Node && p.GetSource() == "intake" {
						return p.GetAppliedNodeSeq() == want
					}
				}
			}
			return false
		})
	}
}

// homonymsDirectory publishes both nodes and a hidden office of each.
func homonymsDirectory(t *testing.T, h *harness, nodes map[string]network.Node) {
	ids := map[string]string{livoComo: "livo", livoTrento: "livo-trentino-alto-adige"}
	places := map[string]string{livoComo: "013130", livoTrento: "022106"}
	offices := map[string]*directoryv1.Entry{}
	for _, name := range []string{livoComo, livoTrento} {
		of := nodes[name].Tenant
		h.publish(t, &directoryv1.Entry{Kind: "node", Id: ids[name], Content: &directoryv1.Entry_Node{
			Node: &directoryv1.Node{
				NodeId: ids[name], Name: "Livo", Region: of.Region, Level: directoryv1.NodeLevel_NODE_LEVEL_NODE,
				Stages:     []*directoryv1.Stage{{State: "ACTIVE", From: "2026-01"}},
				Provenance: &directoryv1.Provenance{Source: "prova", VerifiedOn: "2026-11-26"},
			},
		}})
		editor := h.Directory(t, "centre", person("editor"))
		eventually(t, "the node is in the directory", func() bool {
			_, err := editor.GetEntry(callContext(t), &directoryv1.GetEntryRequest{Kind: "node", Id: ids[name]})
			return err == nil
		})
		office := hiddenOffice(map[string]string{livoComo: "aaaaaaaaaaaaaaaa", livoTrento: "bbbbbbbbbbbbbbbb"}[name],
			of, ids[name], places[name])
		office.Revision = 0
		offices[name] = office
		revision := h.publish(t, office)
		offices[name].Revision = revision
	}
	for _, name := range []string{livoComo, livoTrento} {
		other := livoComo
		if name == livoComo {
			other = livoTrento
		}
		worker := h.Directory(t, name, person("worker-"+name))
		get := func(office string) string {
			_, err := worker.GetOffice(callContext(t), &directoryv1.GetOfficeRequest{OfficeId: offices[office].GetId()})
			return reasonOf(t, err)
		}
		eventually(t, name+" has a copy of its hidden office", func() bool { return get(name) == "" })
		if got := get(other); got != "NOT_FOUND" {
			t.Errorf("%s sees the hidden office of the other node: %q", name, got)
		}
		// The copy itself holds no other hidden office: not even somebody who may see all of it finds more.
		listed, err := h.Directory(t, name, person("coordinator-"+name)).ListEntries(callContext(t),
			&directoryv1.ListEntriesRequest{Kinds: []string{"office"}, PageSize: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range listed.GetEntries() {
			if e.GetId() == offices[other].GetId() {
				t.Errorf("the copy of %s holds the hidden office of %s", name, other)
			}
		}
		// An editor of one node edits its own office, and not that of its namesake.
		for office, want := range map[string]string{name: "", other: "WRONG_NODE"} {
			e := offices[office]
			e.GetOffice().Name = "Rifugio di " + name
			_, err := h.editorAtCentre(t, name).ProposeChanges(callContext(t), &directoryv1.ProposeChangesRequest{
				RequestId: uuid.NewString(), Reason: "prova", Entries: []*directoryv1.Entry{e}, ValidateOnly: true,
			})
			if got := reasonOf(t, err); got != want {
				t.Errorf("%s edits the office of %s: %q, want %q", name, office, got, want)
			}
		}
	}
}

// editorAtCentre returns the centre's directory for the editor of a node.
func (h *harness) editorAtCentre(t *testing.T, node string) directoryv1.DirectoryServiceClient {
	t.Helper()
	as := caller{node: node, system: "console", user: "editor-" + node}
	var conn grpc.ClientConnInterface = h.conn(t, "directory", node, as)
	return directoryv1.NewDirectoryServiceClient(conn)
}
