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

// refuge is a hidden office: the only one that serves its town and speaks Arabic.
func newHiddenOffice(id, node string) *directoryv1.Office {
	o := newDesk(id, node)
	o.Name, o.Source, o.Visibility, o.Territories = "Rifugio", "prova", directoryv1.Visibility_VISIBILITY_HIDDEN, []string{"019035", "019"}
	o.Languages, o.Accessibility, o.Phones = []string{"AR"}, []string{"LIFT"}, []*directoryv1.Phone{{Number: "333 1"}}
	o.Services = append(o.Services, &directoryv1.Service{Type: "TRAFFICKING"})
	return o
}

func hiddenLists() []vocabulary.List {
	all := officeLists()
	for i := range all {
		switch all[i].Name {
		case "territory":
			all[i].Terms = append(all[i].Terms, vocabulary.Term{Code: "019035", Group: "019", LabelIT: "Crema", LabelEN: "Crema"})
		case "service_type":
			all[i].Terms = append(all[i].Terms, vocabulary.Term{Code: "TRAFFICKING", LabelIT: "tratta", LabelEN: "trafficking"})
		}
	}
	return append(all, newList("language", vocabulary.Term{Code: "AR"}), newList("accessibility", vocabulary.Term{Code: "LIFT"}),
		newList("event_type", vocabulary.Term{Code: "COURSE"}))
}

// common is what both directories hold; number is the telephone of the desk, which a second load changes.
func publicContents(number string) []proto.Message {
	o := newSportello()
	o.Phones, o.Territories = []*directoryv1.Phone{{Number: number}}, []string{"019036"}
	all := []proto.Message{
		o, newNode("cremona"), newNode("cuneo"), newNode("milano"), newRoom("sala", "office/sportello"),
		&directoryv1.Initiative{
			InitiativeId: "corso", Title: "Corso", Types: []string{"COURSE"}, Region: "lombardia", Node: "cremona",
			Sessions: []*directoryv1.Session{{Date: "2026-12-01"}}, Provenance: &directoryv1.Provenance{Source: "prova", ValidFrom: "2026-01-01"},
		},
	}
	for _, id := range []string{"a", "q", "z"} { // before, around and after the hidden ones
		other := newDesk(id, "cremona")
		other.Source, other.Territories = "prova", []string{"019036"}
		all = append(all, other)
	}
	return all
}

// Proposals of the two directories; the second holds hidden offices alone, the third one of them, as nobody can propose it.
const (
	proposalPublic = "11111111-1111-4111-8111-111111111111"
	proposalHidden = "22222222-2222-4222-8222-222222222222"
	proposalMixed  = "33333333-3333-4333-8333-333333333333"
	proposalLast   = "44444444-4444-4444-8444-444444444444"
)

// with is a directory that hides offices of Cremona and Milano and was changed since in nothing else; without is the same one
// if they did not exist.
func newHiddenEnvs(t *testing.T) (with, without *testEnv) {
	t.Helper()
	hide := func(all []proto.Message, number string) []proto.Message {
		mine := newHiddenOffice(shelter, "cremona")
		mine.Phones[0].Number = number
		return append(all, mine, newHiddenOffice(otherShelter, "milano"))
	}
	with = newEnvWith(t, hiddenLists(), hide(publicContents("1"), "333 1"), hide(publicContents("2"), "333 1"), hide(publicContents("2"), "333 2"))
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

// keep stores a proposal past the checks.
func (env *testEnv) insertProposal(t *testing.T, id string, entries []*directoryv1.Entry) {
	t.Helper()
	p := &directoryv1.Proposal{ProposalId: id, Version: 1, Reason: "prova", ProposedAt: timestamppb.New(tuesday)}
	for _, e := range entries {
		p.Changes = append(p.Changes, &directoryv1.PlannedChange{Entry: e})
	}
	by := store.Actor{Person: "somebody", Node: "cremona", System: "console"}
	if _, _, err := store.InsertProposal(t.Context(), env.pool, store.Proposal{Proposal: p, ProposedBy: by}, idempotency.Request{ID: id, Method: "test", BodyHash: []byte(id)}); err != nil {
		t.Fatal(err)
	}
}
