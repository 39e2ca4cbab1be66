package api_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const (
	trentinoLivoID = "livo-trentino-alto-adige" // in the directory
	livoShelter    = "riservato-aaaaaaaaaaaaaaaa"
	trentinoRefuge = "riservato-bbbbbbbbbbbbbbbb"
)

// newHomonymsEnv returns a directory with two nodes of one name, each with a hidden office.
func newHomonymsEnv(t *testing.T) *testEnv {
	t.Helper()
	return newEnvWith(t, hiddenLists(), append(publicContents("1"), newNode("livo"), newNode(trentinoLivoID),
		newHiddenOffice(livoShelter, "livo"), newHiddenOffice(trentinoRefuge, trentinoLivoID)))
}

// Ensure people of two nodes of one name see and edit the hidden offices of their own node only.
func TestHomonyms_SeeTheirOwn(t *testing.T) {
	t.Parallel()
	env := newHomonymsEnv(t)
	for _, c := range []struct {
		of                   tenant.ID
		node, own, otherNode string
		other                string
	}{
		{livo, "livo", livoShelter, trentinoLivoID, trentinoRefuge},
		{trentinoLivo, trentinoLivoID, trentinoRefuge, "livo", livoShelter},
	} {
		for _, role := range []string{"case_worker", "coordinator", "editor"} {
			client := env.person(t, "ciro", c.of, c.of.String()+"/"+role)
			got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: c.own})
			if err != nil || got.GetOffice().GetNode() != c.node {
				t.Errorf("%s of %s gets %v, %v", role, c.of, got, err)
			}
			_, err = client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: c.other})
			assertFault(t, err, fault.NotFound)
			found, err := client.FindOffices(t.Context(), &directoryv1.FindOfficesRequest{Territory: "019035"})
			finds := func(id string) bool {
				return slices.ContainsFunc(found.GetMatches(),
					func(m *directoryv1.OfficeMatch) bool { return m.GetOffice().GetOfficeId() == id })
			}
			if err != nil || !finds(c.own) || finds(c.other) {
				t.Errorf("%s of %s finds %v, %v", role, c.of, found, err)
			}
		}
		editor := env.person(t, "elena", c.of, c.of.String()+"/editor")
		for _, e := range []struct {
			name    string
			content proto.Message
			isNew   bool
			allowed bool
		}{
			{"its own hidden office", editOffice(newHiddenOffice(c.own, c.node)), false, true},
			{"its own node", editNode(c.node), false, true},
			{"a new office", editOffice(newHiddenOffice(shelter, c.node)), true, true},
			{"the other's hidden office", editOffice(newHiddenOffice(c.other, c.otherNode)), false, false},
			{"a new office of the other", editOffice(newHiddenOffice(shelter, c.otherNode)), true, false},
			{"the other's node", editNode(c.otherNode), false, false},
			{"its own office at the other", editOffice(newHiddenOffice(c.own, c.otherNode)), false, false},
			{"its own office with the region of the other", editOffice(newHiddenOffice(c.own, c.node),
				func(o *directoryv1.Office) { o.Region = regionOf(c.otherNode) }), false, false},
			{"its own office with the node of the other", editOffice(newHiddenOffice(c.own, c.node),
				func(o *directoryv1.Office) { o.Node = c.otherNode }), false, false},
		} {
			req := changeOf(e.isNew, e.content)
			req.ValidateOnly = true
			_, err := editor.ProposeChanges(t.Context(), req)
			switch {
			case e.allowed && err != nil:
				t.Errorf("%s edits %s: %v", c.of, e.name, fault.FromStatus(err))
			case !e.allowed:
				t.Log(c.of, e.name)
				assertFault(t, err, fault.WrongNode)
			}
		}
		proposed, err := editor.ProposeChanges(t.Context(), changeOf(false, editOffice(newHiddenOffice(c.own, c.node))))
		if err != nil {
			t.Fatal(fault.FromStatus(err))
		}
		listed, err := editor.ListProposals(t.Context(), &directoryv1.ListProposalsRequest{})
		if err != nil || len(listed.GetProposals()) != 1 ||
			listed.GetProposals()[0].GetProposalId() != proposed.GetProposal().GetProposalId() {
			t.Errorf("the editor of %s sees the proposals %v, %v", c.of, listed, err)
		}
	}
}

func editNode(id string) *directoryv1.Node {
	n := newNode(id)
	n.Description = "Nodo di Livo"
	return n
}

// Ensure a hidden office cannot move between two nodes of one name, and offices of both are not proposed together.
func TestHomonyms_HiddenOfficeStays(t *testing.T) {
	t.Parallel()
	env := newHomonymsEnv(t)
	editor := env.editor(t)
	inTrentino := func(o *directoryv1.Office) { o.Region = trentinoLivo.Region }
	for _, moved := range []*directoryv1.Office{
		editOffice(newHiddenOffice(livoShelter, trentinoLivoID)),
		editOffice(newHiddenOffice(trentinoRefuge, "livo")),
		editOffice(newHiddenOffice(livoShelter, "livo"), inTrentino),
		editOffice(newHiddenOffice(trentinoRefuge, "livo"), inTrentino),
	} {
		_, err := editor.ProposeChanges(t.Context(), changeOf(false, moved))
		assertFault(t, err, fault.InvalidRequest, "entries[0].office.node HIDDEN_ALONE")
	}
	_, err := editor.ProposeChanges(t.Context(), changeOf(false,
		editOffice(newHiddenOffice(livoShelter, "livo")), editOffice(newHiddenOffice(trentinoRefuge, trentinoLivoID))))
	assertFault(t, err, fault.InvalidRequest,
		"entries[0].office.visibility HIDDEN_ALONE", "entries[1].office.visibility HIDDEN_ALONE")
	_, err = editor.ProposeChanges(t.Context(), changeOf(true, newHiddenOffice(shelter, "livo"),
		editOffice(newHiddenOffice(otherShelter, "livo"), inTrentino)))
	assertFault(t, err, fault.InvalidRequest,
		"entries[0].office.visibility HIDDEN_ALONE", "entries[1].office.visibility HIDDEN_ALONE")
}
