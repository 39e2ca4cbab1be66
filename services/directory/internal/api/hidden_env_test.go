package api_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/idempotency"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

const (
	shelter      = "riservato-0123456789abcdef"
	otherShelter = "riservato-fedcba9876543210"
)

// newHiddenOffice returns a hidden office: the only one that serves its town and speaks Arabic.
func newHiddenOffice(id, node string) *directoryv1.Office {
	o := newDesk(id, node)
	o.Name, o.Source, o.Visibility = "Rifugio", "prova", directoryv1.Visibility_VISIBILITY_HIDDEN
	o.Territories, o.Languages, o.Accessibility = []string{"019035", "019"}, []string{"AR"}, []string{"LIFT"}
	o.Phones = []*directoryv1.Phone{{Number: "333 1"}}
	o.Services = append(o.Services, &directoryv1.Service{Type: "TRAFFICKING"})
	return o
}

func hiddenLists() []vocabulary.List {
	all := officeLists()
	for i := range all {
		switch all[i].Name {
		case "territory":
			crema := vocabulary.Term{Code: "019035", Group: "019", LabelIT: "Crema", LabelEN: "Crema"}
			all[i].Terms = append(all[i].Terms, crema)
		case "service_type":
			trafficking := vocabulary.Term{Code: "TRAFFICKING", LabelIT: "tratta", LabelEN: "trafficking"}
			all[i].Terms = append(all[i].Terms, trafficking)
		}
	}
	return append(all,
		newList("language", vocabulary.Term{Code: "AR"}),
		newList("accessibility", vocabulary.Term{Code: "LIFT"}),
		newList("event_type", vocabulary.Term{Code: "COURSE"}))
}

// publicContents returns the public entries of both directories. A second load changes the telephone number of the
// office.
func publicContents(number string) []proto.Message {
	o := newSportello()
	o.Phones, o.Territories = []*directoryv1.Phone{{Number: number}}, []string{"019036"}
	all := []proto.Message{
		o, newNode("cremona"), newNode("cuneo"), newNode("milano"), newRoom("sala", "office/sportello"),
		&directoryv1.Initiative{
			InitiativeId: "corso", Title: "Corso", Types: []string{"COURSE"}, Region: "lombardia", Node: "cremona",
			Sessions:   []*directoryv1.Session{{Date: "2026-12-01"}},
			Provenance: &directoryv1.Provenance{Source: "prova", ValidFrom: "2026-01-01"},
		},
	}
	for _, id := range []string{"a", "q", "z"} { // sorted before and after the hidden ones
		other := newDesk(id, "cremona")
		other.Source, other.Territories = "prova", []string{"019036"}
		all = append(all, other)
	}
	return all
}

// The proposals of the two directories. The second has only hidden offices. The third mixes public and hidden ones,
// which validation would refuse.
const (
	proposalPublic = "11111111-1111-4111-8111-111111111111"
	proposalHidden = "22222222-2222-4222-8222-222222222222"
	proposalMixed  = "33333333-3333-4333-8333-333333333333"
	proposalLast   = "44444444-4444-4444-8444-444444444444"
)

// newHiddenEnvs returns two directories: with has hidden offices of Cremona and Milano, the last change being one of
// them, and without is the same directory without them.
func newHiddenEnvs(t *testing.T) (with, without *testEnv) {
	t.Helper()
	addHidden := func(all []proto.Message, number string) []proto.Message {
		hidden := newHiddenOffice(shelter, "cremona")
		hidden.Phones[0].Number = number
		return append(all, hidden, newHiddenOffice(otherShelter, "milano"))
	}
	with = newEnvWith(t, hiddenLists(), addHidden(publicContents("1"), "333 1"),
		addHidden(publicContents("2"), "333 1"), addHidden(publicContents("2"), "333 2"))
	without = newEnvWith(t, hiddenLists(), publicContents("1"), publicContents("2"))
	for _, env := range []*testEnv{with, without} {
		for _, id := range []string{proposalPublic, proposalHidden, proposalMixed, proposalLast} {
			changes := []*directoryv1.Entry{newEntry(t, newRoom("sala-"+id[:1], "office/sportello"))}
			if id == proposalHidden || id == proposalMixed {
				changes = append(changes, newEntry(t, newHiddenOffice(shelter, "cremona")))
			}
			if id == proposalHidden {
				changes = changes[1:]
			}
			if env == without {
				changes, _ = entry.SplitHidden(changes)
			}
			if len(changes) > 0 {
				env.insertProposal(t, id, changes)
			}
		}
	}
	return with, without
}

func newEntry(t *testing.T, content proto.Message) *directoryv1.Entry {
	t.Helper()
	e, err := entry.New(content)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// insertProposal stores a proposal without validation.
func (env *testEnv) insertProposal(t *testing.T, id string, entries []*directoryv1.Entry) {
	t.Helper()
	p := &directoryv1.Proposal{ProposalId: id, Version: 1, Reason: "prova", ProposedAt: timestamppb.New(tuesday)}
	for _, e := range entries {
		p.Changes = append(p.Changes, &directoryv1.PlannedChange{Entry: e})
	}
	proposal := store.Proposal{
		Proposal: p, ProposedBy: store.Actor{Person: "somebody", Tenant: cremona, System: "console"},
	}
	request := idempotency.Request{Key: []byte(id), Method: "test", BodyHash: []byte(id)}
	if _, _, err := store.InsertProposal(t.Context(), env.pool, proposal, request); err != nil {
		t.Fatal(err)
	}
}
