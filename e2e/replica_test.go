package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/e2e/cluster"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// directoryStatus returns revision, age and digest of a directory.
func (h *harness) directoryStatus(t *testing.T, node string) *directoryv1.GetDirectoryStatusResponse {
	t.Helper()
	directory := h.Directory(t, node, system("console"))
	resp, err := directory.GetDirectoryStatus(callContext(t), &directoryv1.GetDirectoryStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (h *harness) kill(parts ...string) {
	for _, part := range parts {
		h.Kill(part)
	}
}

func (h *harness) restart(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err := h.Restart(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensure that a node has the directory of the centre, serves it alone while the centre is down, reports its age, and
// catches up when the centre is back.
func TestReplica_WorksWithoutCentre(t *testing.T) {
	t.Parallel()
	h := &harness{cluster.Start(t, cluster.Options{})}
	nodes := []string{"cremona", "cuneo"}
	centre := h.directoryStatus(t, "centre")
	for _, node := range nodes {
		eventually(t, node+" has the digest of the centre", func() bool {
			return h.directoryStatus(t, node).GetDigest() == centre.GetDigest()
		})
		f := h.directoryStatus(t, node).GetFreshness()
		if !f.GetCopy() || f.GetRevision() != centre.GetFreshness().GetRevision() || f.GetConfirmedAt() == nil {
			t.Errorf("%s is at %v, the centre at %v", node, f, centre.GetFreshness())
		}
	}
	find := &directoryv1.FindOfficesRequest{Territory: "019036", Ground: "DISABILITY"}
	want, err := h.Directory(t, "centre", system("console")).FindOffices(callContext(t), find)
	if err != nil || len(want.GetMatches()) == 0 {
		t.Fatalf("%v, %v", want, err)
	}

	h.kill("hub", "directory", "reporting", "postgres.centre")
	// These services start while the centre is down.
	h.kill("directory.cremona", "intake.cremona")
	h.restart(t, "directory.cremona", "intake.cremona")
	got, err := retry(callContext(t), h.Directory(t, "cremona", system("console")).FindOffices, find)
	if err != nil {
		t.Fatal(err)
	}
	ignoreState := protocmp.IgnoreFields(&directoryv1.OfficeMatch{}, "open_state")
	if diff := cmp.Diff(want.GetMatches(), got.GetMatches(), protocmp.Transform(), ignoreState); diff != "" {
		t.Error("without the centre (-centre +replica):\n" + diff)
	}
	intake := h.Intake(t, "cremona", system("protocollo"))
	if _, err := retry(callContext(t), intake.SubmitReport, report()); err != nil {
		t.Errorf("submit a report while the centre is down: %v", err)
	}
	eventually(t, "the age of the replica grows", func() bool {
		return h.directoryStatus(t, "cremona").GetFreshness().GetAgeSeconds() >= 2
	})

	h.restart(t, "postgres.centre", "hub", "directory", "reporting")
	office := h.addPhone(t, "cuneo-sportello-meet")
	for _, node := range nodes {
		eventually(t, node+" has the change", func() bool {
			req := &directoryv1.GetOfficeRequest{OfficeId: office.GetOfficeId()}
			resp, err := h.Directory(t, node, system("console")).GetOffice(callContext(t), req)
			return err == nil && len(resp.GetOffice().GetPhones()) == len(office.GetPhones()) &&
				resp.GetFreshness().GetAgeSeconds() < 60
		})
		if h.directoryStatus(t, node).GetDigest() != h.directoryStatus(t, "centre").GetDigest() {
			t.Errorf("%s differs from the centre", node)
		}
	}
}

// addPhone publishes one more phone of an office, and returns the changed office.
func (h *harness) addPhone(t *testing.T, officeID string) *directoryv1.Office {
	t.Helper()
	req := &directoryv1.GetEntryRequest{Kind: "office", Id: officeID}
	resp, err := retry(callContext(t), h.Directory(t, "centre", system("console")).GetEntry, req)
	if err != nil {
		t.Fatal(err)
	}
	changed := proto.CloneOf(resp.GetEntry().GetOffice())
	changed.Phones = append(changed.Phones, &directoryv1.Phone{Number: "0171 000000", Label: "prova"})
	h.publish(t, &directoryv1.Entry{
		Kind: "office", Id: officeID, Revision: resp.GetEntry().GetRevision(),
		Content: &directoryv1.Entry_Office{Office: changed},
	})
	return changed
}
