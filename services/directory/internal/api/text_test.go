package api_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure what people paste into reasons, notes and descriptions is mended and stored, also by a repeated request.
func TestChange_MendsTexts(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	req := changeRequest(func(o *directoryv1.Office) { o.Description = "uno\r\ndue\x00\t " }, 1)
	req.Reason = "perche\u0301\x00\r\nno\n"
	proposed, err := env.editor(t).ProposeChanges(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	p := proposed.GetProposal()
	description := p.GetChanges()[0].GetEntry().GetOffice().GetDescription()
	if p.GetReason() != "perché\nno" || description != "uno\ndue" {
		t.Errorf("reason %q, description %q", p.GetReason(), description)
	}
	mended := proto.CloneOf(req)
	mended.Reason = "perché\nno"
	if again, err := env.editor(t).ProposeChanges(t.Context(), mended); err != nil || !again.GetReplayed() {
		t.Errorf("the mended request: %v, %v", again, err)
	}
	decision := approval(proposed)
	decision.Note = "\ufeffvisto\x00\r\n"
	decided, err := env.publisher(t, "paola").DecideProposal(t.Context(), decision)
	if err != nil || decided.GetProposal().GetNote() != "visto" {
		t.Errorf("got %v, %v", decided, err)
	}
}

// Ensure validate_only says what the call says: of dates that do not exist, of control characters in names, and of a
// request id that was used.
func TestChange_ValidateOnlyAgrees(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	used := changeRequest(withPhone("0372 1"), 1)
	if _, err := env.editor(t).ProposeChanges(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		modify func(*directoryv1.ProposeChangesRequest)
		reason fault.Reason
		fields []string
	}{
		"a day that does not exist": {func(r *directoryv1.ProposeChangesRequest) { r.EffectiveOn = "2027-02-29" },
			fault.InvalidRequest, []string{"effective_on IMPOSSIBLE_DATE"}},
		"the year 0": {func(r *directoryv1.ProposeChangesRequest) { r.EffectiveOn = "0000-01-01" },
			fault.InvalidRequest, []string{"effective_on IMPOSSIBLE_DATE"}},
		"a day of an office that does not exist": {
			func(r *directoryv1.ProposeChangesRequest) { r.Entries[0].GetOffice().VerifiedOn = "2026-02-30" },
			fault.InvalidRequest, []string{"entries[0].office.verified_on IMPOSSIBLE_DATE"}},
		"a name with a NUL": {
			func(r *directoryv1.ProposeChangesRequest) { r.Entries[0].GetOffice().Name = "a\x00" },
			fault.InvalidRequest, []string{"entries[0].office.name BAD_FORMAT"}},
		"a reason of blanks": {func(r *directoryv1.ProposeChangesRequest) { r.Reason = " \r\n\x00" },
			fault.InvalidRequest, []string{"reason REQUIRED"}},
		"a used request id": {func(r *directoryv1.ProposeChangesRequest) { r.RequestId = used.GetRequestId() },
			fault.RequestIDReused, nil},
	} {
		req := changeRequest(withPhone("0372 2"), 1)
		c.modify(req)
		for _, req.ValidateOnly = range []bool{true, false} {
			_, err := env.editor(t).ProposeChanges(t.Context(), req)
			t.Run(name, func(t *testing.T) { assertFault(t, err, c.reason, c.fields...) })
		}
	}
	used.ValidateOnly = true
	if resp, err := env.editor(t).ProposeChanges(t.Context(), used); err != nil || !resp.GetReplayed() {
		t.Errorf("a check of the request that was answered: %v, %v", resp, err)
	}
}
