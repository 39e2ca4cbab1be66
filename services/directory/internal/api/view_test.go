package api_test

import (
	"testing"
	"time"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// Ensure a snapshot with an invalid office is refused, and the server keeps serving the previous one.
func TestServer_SetSnapshot_KeepsPreviousOnError(t *testing.T) {
	t.Parallel()
	client, server := newClient(t, newDesk("a", "cremona"))
	broken := newDesk("b", "cremona")
	broken.Hours = []*directoryv1.Hours{{Weekday: 2, Opens: "never", Closes: "13:00"}}
	snapshot := store.Snapshot{Revision: 2, Lists: baseLists(), Entries: []*directoryv1.Entry{newEntry(t, broken)}}
	if err := server.SetSnapshot(snapshot); err == nil {
		t.Error("an office with invalid hours was accepted")
	}
	if _, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"}); err != nil {
		t.Error(err)
	}
	if got := server.Snapshot(); got.Revision != 1 {
		t.Errorf("revision %d is served", got.Revision)
	}
}

// Ensure a hidden office without a node, which no valid entry is, is not shown to callers without a node.
func TestServer_SetSnapshot_HidesOfficeWithoutNode(t *testing.T) {
	t.Parallel()
	hidden := newHiddenOffice("riservato-0123456789abcdef", "")
	client, _ := newClient(t, newDesk("a", "cremona"), hidden)
	_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: hidden.GetOfficeId()})
	assertFault(t, err, fault.NotFound)
}

// Ensure offices and lists are replaced when they change, also between snapshots that share entries.
func TestServer_SetSnapshot_ReusesUnchanged(t *testing.T) {
	t.Parallel()
	client, server := newClient[*directoryv1.Office](t)
	a, lists := newEntry(t, newDesk("a", "cremona")), baseLists()
	for _, entries := range [][]*directoryv1.Entry{{a}, {a, newEntry(t, newDesk("b", "cremona"))}} {
		if err := server.SetSnapshot(store.Snapshot{Revision: 2, Lists: lists, Entries: entries}); err != nil {
			t.Fatal(err)
		}
		got, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019036"})
		if err != nil || len(got.GetMatches()) != len(entries) {
			t.Errorf("%d matches, want %d; %v", len(got.GetMatches()), len(entries), err)
		}
	}
	crema := newList("territory", vocabulary.Term{Code: "019", Group: "03"},
		vocabulary.Term{Code: "019035", Group: "019"})
	if err := server.SetSnapshot(store.Snapshot{Revision: 3, Lists: []vocabulary.List{crema}}); err != nil {
		t.Fatal(err)
	}
	_, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019036"})
	assertFault(t, err, fault.InvalidRequest, "territory UNKNOWN_CODE")
}

// Ensure the history of an unknown entry is not found, and the newest state of a known one comes first.
func TestServer_ListEntryHistory(t *testing.T) {
	t.Parallel()
	env := newEnvWith(t, hiddenLists(), publicContents("1"), publicContents("2"))
	_, err := env.editor(t).ListEntryHistory(t.Context(),
		&directoryv1.ListEntryHistoryRequest{Kind: "office", Id: "none"})
	assertFault(t, err, fault.NotFound)
	ref := entry.NewRef("office", "sportello")
	got, err := env.editor(t).ListEntryHistory(t.Context(),
		&directoryv1.ListEntryHistoryRequest{Kind: ref.Kind(), Id: ref.ID()})
	if err != nil || len(got.GetStates()) != 2 {
		t.Fatal(got, err)
	}
	newest, oldest := got.GetStates()[0], got.GetStates()[1]
	if newest.GetEntry().GetOffice().GetPhones()[0].GetNumber() != "2" || len(oldest.GetChangedFields()) > 0 {
		t.Errorf("newest %v, oldest %v", newest, oldest)
	}
}

// Ensure a format that the server does not know is refused, also when the contract already has it.
func TestServer_ExportDirectory_RefusesUnknownFormat(t *testing.T) {
	t.Parallel()
	_, server := newClient(t, newDesk("a", "cremona"))
	_, err := server.ExportDirectory(t.Context(), &directoryv1.ExportDirectoryRequest{Format: 99})
	if !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v", err)
	}
}

// Ensure linked data is not exported under an invalid base.
func TestServer_ExportDirectory_RefusesInvalidBase(t *testing.T) {
	t.Parallel()
	client, server := newClient(t, newDesk("a", "cremona"))
	server.BaseURL = "pari"
	_, err := client.ExportDirectory(t.Context(),
		&directoryv1.ExportDirectoryRequest{Format: directoryv1.ExportFormat_EXPORT_FORMAT_HSDS})
	assertFault(t, err, fault.Internal)
	_, err = client.PrintOffice(t.Context(), &directoryv1.PrintOfficeRequest{OfficeId: "a"})
	assertFault(t, err, fault.Internal)
}

// Ensure a copy that the centre has not confirmed yet has no age.
func TestServer_GetOffice_UnconfirmedCopy(t *testing.T) {
	t.Parallel()
	client, server := newClient(t, newDesk("a", "cremona"))
	server.ConfirmedAt = func() time.Time { return time.Time{} }
	got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"})
	if f := got.GetFreshness(); err != nil || !f.GetCopy() || f.GetConfirmedAt() != nil || f.GetAgeSeconds() != 0 {
		t.Errorf("freshness %v, %v", f, err)
	}
}
