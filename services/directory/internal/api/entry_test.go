package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

func newRoom(id, office string) *directoryv1.Room {
	return &directoryv1.Room{RoomId: id, Name: id, Office: office, Provenance: &directoryv1.Provenance{Source: "prova"}}
}

func TestServer_GetEntry(t *testing.T) {
	t.Parallel()
	client, _ := newClient[proto.Message](t, newDesk("a", "cremona"), newRoom("sala", "office/a"))
	got, err := client.GetEntry(t.Context(), &directoryv1.GetEntryRequest{Kind: "room", Id: "sala"})
	if err != nil || got.GetEntry().GetRoom().GetOffice() != "office/a" {
		t.Errorf("%v, %v", got, err)
	}
	_, err = client.GetEntry(t.Context(), &directoryv1.GetEntryRequest{Kind: "room", Id: "a"})
	assertFault(t, err, fault.NotFound)
	_, err = client.GetEntry(t.Context(), &directoryv1.GetEntryRequest{Kind: "person", Id: "A b"})
	assertFault(t, err, fault.InvalidRequest, "kind UNKNOWN_VALUE", "id BAD_FORMAT")
}

func TestServer_ListEntries(t *testing.T) {
	t.Parallel()
	client, _ := newClient[proto.Message](t,
		newDesk("a", "cremona"), newDesk("b", "cuneo"), newRoom("piccola", "office/a"), newRoom("sala", "office/a"))
	names := func(req *directoryv1.ListEntriesRequest) (all []string) {
		t.Helper()
		for {
			page, err := client.ListEntries(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.GetEntries() {
				all = append(all, string(entry.RefOf(e)))
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				return all
			}
		}
	}
	all := []string{"office/a", "office/b", "room/piccola", "room/sala"}
	for _, c := range []struct {
		name string
		req  *directoryv1.ListEntriesRequest
		want []string
	}{
		{"everything", &directoryv1.ListEntriesRequest{}, all},
		{"in pages", &directoryv1.ListEntriesRequest{PageSize: 1}, all},
		{"of a node", &directoryv1.ListEntriesRequest{Node: "cuneo"}, []string{"office/b"}},
		{"of a kind", &directoryv1.ListEntriesRequest{Kinds: []string{"room"}}, []string{"room/piccola", "room/sala"}},
		{"referring to an office, in pages", &directoryv1.ListEntriesRequest{ReferringTo: "office/a", PageSize: 1},
			[]string{"room/piccola", "room/sala"}},
		{"referring to an unknown office", &directoryv1.ListEntriesRequest{ReferringTo: "office/none"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, names(c.req)); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
	first, err := client.ListEntries(t.Context(), &directoryv1.ListEntriesRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.ListEntries(t.Context(),
		&directoryv1.ListEntriesRequest{PageSize: 1, Node: "cuneo", PageToken: first.GetNextPageToken()})
	assertFault(t, err, fault.InvalidRequest, "page_token BAD_PAGE_TOKEN")
}
