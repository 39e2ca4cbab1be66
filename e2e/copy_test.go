package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/e2e/cluster"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// Directory of the centre, or the copy of a node.
func (n *net) Directory(t *testing.T, node string, as caller) directoryv1.DirectoryServiceClient {
	t.Helper()
	if node == "centre" {
		return directoryv1.NewDirectoryServiceClient(n.conn(t, "directory", node, as))
	}
	return directoryv1.NewDirectoryServiceClient(n.conn(t, "directory."+node, node, as))
}

// status asks a directory how current it is.
func (n *net) status(t *testing.T, node string) *directoryv1.GetDirectoryStatusResponse {
	t.Helper()
	answer, err := n.Directory(t, node, system("console")).GetDirectoryStatus(soon(t), &directoryv1.GetDirectoryStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// comes waits until something holds.
func comes(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("did not come: " + what)
		}
	}
}

// change proposes an office as an editor of the centre, and approves it as the publisher.
func (n *net) change(t *testing.T, office *directoryv1.Office, revision int64) {
	t.Helper()
	proposed, err := n.Directory(t, "centre", person("editor")).ProposeChanges(soon(t), &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "prova",
		Entries: []*directoryv1.Entry{{Kind: "office", Id: office.GetOfficeId(), Revision: revision, Content: &directoryv1.Entry_Office{Office: office}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Directory(t, "centre", person("publisher")).DecideProposal(soon(t), &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: proposed.GetProposal().GetProposalId(), Version: proposed.GetProposal().GetVersion(),
		Decision: directoryv1.Decision_DECISION_APPROVE,
	}); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a node has the directory of the centre, works on with it alone when the centre is gone, says how old it is, and
// has what changed when the centre is back.
func TestCopy_OfTheDirectory(t *testing.T) {
	t.Parallel()
	n := &net{cluster.Start(t, cluster.Options{})}
	centre := n.status(t, "centre")
	for _, node := range []string{"cremona", "cuneo"} {
		comes(t, node+" says what the centre says", func() bool { return n.status(t, node).GetDigest() == centre.GetDigest() })
		if f := n.status(t, node).GetFreshness(); !f.GetCopy() || f.GetRevision() != centre.GetFreshness().GetRevision() || f.GetConfirmedAt() == nil {
			t.Errorf("%s is at %v, the centre at %v", node, f, centre.GetFreshness())
		}
	}
	find := &directoryv1.FindOfficesRequest{Territory: "019036", Ground: "DISABILITY"}
	want, err := n.Directory(t, "centre", system("console")).FindOffices(soon(t), find)
	if err != nil || len(want.GetMatches()) == 0 {
		t.Fatalf("%v, %v", want, err)
	}

	for _, part := range []string{"hub", "directory", "reporting", "postgres.centre"} {
		n.Kill(part)
	}
	// Whatever is started now finds no centre.
	for _, part := range []string{"directory.cremona", "intake.cremona"} {
		n.Kill(part)
		if err := n.Restart(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	got, err := insist(soon(t), func(ctx context.Context, r *directoryv1.FindOfficesRequest) (*directoryv1.FindOfficesResponse, error) {
		return n.Directory(t, "cremona", system("console")).FindOffices(ctx, r)
	}, find)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.GetMatches(), got.GetMatches(), protocmp.Transform(), protocmp.IgnoreFields(&directoryv1.OfficeMatch{}, "open_state")); diff != "" {
		t.Error("without the centre (-centre +copy):\n" + diff)
	}
	if _, err := insist(soon(t), func(ctx context.Context, r *intakev1.SubmitReportRequest) (*intakev1.SubmitReportResponse, error) {
		return n.Intake(t, "cremona", system("protocollo")).SubmitReport(ctx, r)
	}, report()); err != nil {
		t.Errorf("a report while the centre is gone, at a node that started without it: %v", err)
	}
	comes(t, "the copy grows old", func() bool { return n.status(t, "cremona").GetFreshness().GetAgeSeconds() >= 2 })

	for _, part := range []string{"postgres.centre", "hub", "directory", "reporting"} {
		if err := n.Restart(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := insist(soon(t), func(ctx context.Context, r *directoryv1.GetEntryRequest) (*directoryv1.GetEntryResponse, error) {
		return n.Directory(t, "centre", system("console")).GetEntry(ctx, r)
	}, &directoryv1.GetEntryRequest{Kind: "office", Id: "cuneo-sportello-meet"})
	if err != nil {
		t.Fatal(err)
	}
	changed, _ := proto.Clone(entry.GetEntry().GetOffice()).(*directoryv1.Office)
	changed.Phones = append(changed.Phones, &directoryv1.Phone{Number: "0171 000000", Label: "prova"})
	n.change(t, changed, entry.GetEntry().GetRevision())
	for _, node := range []string{"cremona", "cuneo"} {
		comes(t, node+" has the change", func() bool {
			o, err := n.Directory(t, node, system("console")).GetOffice(soon(t), &directoryv1.GetOfficeRequest{OfficeId: "cuneo-sportello-meet"})
			return err == nil && len(o.GetOffice().GetPhones()) == len(changed.GetPhones()) && o.GetFreshness().GetAgeSeconds() < 60
		})
		if n.status(t, node).GetDigest() != n.status(t, "centre").GetDigest() {
			t.Errorf("%s differs from the centre", node)
		}
	}
}
