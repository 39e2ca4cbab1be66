package api_test

import (
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// cuneoDesk returns a public office of Piemonte.
func cuneoDesk() *directoryv1.Office {
	o := newDesk("meet", "cuneo")
	o.Source, o.Territories = "prova", []string{"019036"}
	return o
}

// newGrantsEnv returns a directory with public offices of two regions and a hidden one of Lombardia.
func newGrantsEnv(t *testing.T) *testEnv {
	t.Helper()
	contents := append(publicContents("1"), cuneoDesk(), newHiddenOffice(shelter, "cremona"))
	return newEnvWith(t, hiddenLists(), contents)
}

// changeOf proposes contents that are based on revision 1, or new ones.
func changeOf(isNew bool, contents ...proto.Message) *directoryv1.ProposeChangesRequest {
	req := proposeRequest(uuid.NewString(), contents...)
	for _, e := range req.GetEntries() {
		if !isNew {
			e.Revision = 1
		}
	}
	return req
}

// editOffice returns an office of the public directory or the shelter with another telephone number and other changes.
func editOffice(o *directoryv1.Office, edits ...func(*directoryv1.Office)) *directoryv1.Office {
	withPhone("0372 9")(o)
	for _, edit := range edits {
		edit(o)
	}
	return o
}

func inNode(region, node string) func(*directoryv1.Office) {
	return func(o *directoryv1.Office) { o.Region, o.Node = region, node }
}

// Ensure the roles of several grants do not add up: who is editor of one region and has other roles for all of them
// sees no hidden office, and edits only what concerns that region.
func TestServer_ProposeChanges_MixedGrants(t *testing.T) {
	t.Parallel()
	env := newGrantsEnv(t)
	clients := map[string]directoryv1.DirectoryServiceClient{
		"at the centre": env.person(t, "elena", tenant.Centre,
			"all/centre/analyst", "all/centre/case_worker", "lombardia/centre/editor"),
		"at the centre of the region": env.person(t, "elena", tenant.ID{Region: "lombardia", Node: "centre"},
			"all/centre/editor", "lombardia/centre/editor", "lombardia/centre/case_worker"),
	}
	hidden := proposeRequest(uuid.NewString(), editOffice(newHiddenOffice(shelter, "cremona")))
	hidden.Entries[0].Revision = 1
	if _, err := env.editor(t).ProposeChanges(t.Context(), hidden); err != nil {
		t.Fatal(err)
	}
	for place, client := range clients {
		_, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: shelter})
		assertFault(t, err, fault.NotFound)
		listed, err := client.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
		if err != nil || len(listed.GetProposals()) != 0 {
			t.Errorf("%s: %v, %v", place, listed, err)
		}
		for _, c := range []struct {
			name    string
			req     *directoryv1.ProposeChangesRequest
			allowed bool
		}{
			{"an office of the region", changeOf(false, editOffice(newSportello())), true},
			{"a new office of the region", changeOf(true, editOffice(newSportello(),
				func(o *directoryv1.Office) { o.OfficeId = "nuovo" })), true},
			{"a node of the region", changeOf(true, newNode("lodi")), true},
			{"an office of another region", changeOf(false, editOffice(cuneoDesk())), false},
			{"a new node of another region", changeOf(true,
				&directoryv1.Node{
					NodeId: "asti", Name: "Asti", Region: "piemonte", Level: directoryv1.NodeLevel_NODE_LEVEL_NODE,
					Stages: []*directoryv1.Stage{{State: "ACTIVE"}}, Provenance: provenance(),
				}), false},
			{"into the region", changeOf(false, editOffice(cuneoDesk(), inNode("lombardia", "cremona"))), false},
			{"out of the region", changeOf(false, editOffice(newSportello(), inNode("piemonte", "cuneo"))), false},
			{"the region with a node of another", changeOf(false,
				editOffice(newSportello(), inNode("lombardia", "cuneo"))), false},
			{"an entry without a region", changeOf(true, newRoom("sala-2", "office/sportello")), false},
			{"one of the region beside one of another",
				changeOf(false, editOffice(newSportello()), editOffice(cuneoDesk())), false},
			{"a hidden office", changeOf(false, editOffice(newHiddenOffice(shelter, "cremona"))), false},
		} {
			c.req.ValidateOnly = true
			_, err := client.ProposeChanges(t.Context(), c.req)
			switch {
			case c.allowed && err != nil:
				t.Errorf("%s, %s: %v", place, c.name, fault.FromStatus(err))
			case !c.allowed:
				t.Log(place, c.name)
				assertFault(t, err, fault.WrongNode)
			}
		}
	}
}

// Ensure the publisher of a region decides only on proposals that concern that region, whatever else the person may do
// elsewhere.
func TestServer_DecideProposal_MixedGrants(t *testing.T) {
	t.Parallel()
	env := newGrantsEnv(t)
	propose := func(req *directoryv1.ProposeChangesRequest) *directoryv1.ProposeChangesResponse {
		t.Helper()
		resp, err := env.editor(t).ProposeChanges(t.Context(), req)
		if err != nil {
			t.Fatal(fault.FromStatus(err))
		}
		return resp
	}
	centreOf := func(region string) tenant.ID { return tenant.ID{Region: region, Node: tenant.CentreNode} }
	clients := map[string]directoryv1.DirectoryServiceClient{
		"at the centre": env.person(t, "paola", tenant.Centre, "all/centre/editor", "lombardia/centre/publisher"),
		"at the region": env.person(t, "paola", centreOf("lombardia"), "lombardia/centre/publisher"),
		"of a node and a region": env.person(t, "paola", tenant.Centre,
			"piemonte/cuneo/publisher", "piemonte/centre/editor", "lombardia/centre/publisher"),
	}
	lombardia := propose(changeOf(false, editOffice(newSportello())))
	for name, proposed := range map[string]*directoryv1.ProposeChangesResponse{
		"another region":        propose(changeOf(false, editOffice(cuneoDesk()))),
		"two regions":           propose(changeOf(false, editOffice(newSportello()), editOffice(cuneoDesk()))),
		"into the region":       propose(changeOf(false, editOffice(cuneoDesk(), inNode("lombardia", "cremona")))),
		"out of the region":     propose(changeOf(false, editOffice(newSportello(), inNode("piemonte", "cuneo")))),
		"a node of another":     propose(changeOf(false, editOffice(newSportello(), inNode("lombardia", "cuneo")))),
		"an entry of no region": propose(changeOf(true, newRoom("sala-2", "office/sportello"))),
	} {
		for place, client := range clients {
			for _, decision := range []directoryv1.Decision{approve, reject} {
				t.Log(name, place, decision)
				_, err := client.DecideProposal(t.Context(), decideRequest(proposed.GetProposal(), decision))
				assertFault(t, err, fault.WrongNode)
			}
		}
	}
	hidden := propose(changeOf(false, editOffice(newHiddenOffice(shelter, "cremona"))))
	for place, client := range clients {
		t.Log("a hidden office", place)
		_, err := client.DecideProposal(t.Context(), approval(hidden))
		assertFault(t, err, fault.NotFound)
	}
	if _, err := clients["at the centre"].DecideProposal(t.Context(), approval(lombardia)); err != nil {
		t.Error(fault.FromStatus(err))
	}
}
