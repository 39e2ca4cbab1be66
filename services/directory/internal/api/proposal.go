package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
)

// ProposeChanges keeps changes for a second person, or tells what they would do.
func (s *Server) ProposeChanges(ctx context.Context, req *directoryv1.ProposeChangesRequest) (*directoryv1.ProposeChangesResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	caller, _ := identity.From(ctx)
	now, asked := s.now(), request(req.GetRequestId(), "ProposeChanges", req)
	if !req.GetValidateOnly() {
		// What was answered before is answered again, whatever has changed since.
		if before, known, err := store.LookupProposal(ctx, s.pool, asked); err != nil || known {
			return replay(ctx, before, err)
		}
	}
	if day := req.GetEffectiveOn(); day != "" && day < romeDate(now) {
		return nil, fault.Invalid(fault.Field{Path: "effective_on", Reason: reason.PastDate})
	}
	p := &directoryv1.Proposal{
		Version: 1, State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING, Reason: req.GetReason(), EffectiveOn: req.GetEffectiveOn(),
		ProposedFor: caller.Node(), Own: true, ProposedAt: timestamppb.New(now),
	}
	if err := s.plan(ctx, caller, req, p); err != nil {
		return nil, err
	}
	switch {
	case len(p.GetChanges()) == 0:
		return &directoryv1.ProposeChangesResponse{}, nil
	case req.GetValidateOnly():
		return &directoryv1.ProposeChangesResponse{Proposal: p}, nil
	}
	p.ProposalId = uuid.NewString()
	kept, replayed, err := store.InsertProposal(ctx, s.pool, store.Proposal{Proposal: p, ProposedBy: actorOf(caller)}, asked)
	if err != nil {
		return nil, err
	}
	return &directoryv1.ProposeChangesResponse{Proposal: visibleProposal(ctx, kept), Replayed: replayed}, nil
}

// replay answers a request again. To who sees nothing of it, it is as if nobody had sent it: they may not.
func replay(ctx context.Context, before store.Proposal, err error) (*directoryv1.ProposeChangesResponse, error) {
	p := visibleProposal(ctx, before)
	if err == nil && p == nil {
		err = fault.New(fault.WrongNode)
	}
	if err != nil {
		return nil, err
	}
	return &directoryv1.ProposeChangesResponse{Proposal: p, Replayed: true}, nil
}

// plan fills in what a proposal changes. What is wrong with its entries was told before, by checkProposal.
func (s *Server) plan(ctx context.Context, caller identity.Caller, req *directoryv1.ProposeChangesRequest, p *directoryv1.Proposal) error {
	v, scope := s.viewFor(ctx), scopeOf(ctx)
	for i, asked := range req.GetEntries() {
		e, err := entry.New(entry.Content(asked))
		if err != nil {
			return err
		}
		ref := entry.RefOf(e)
		old, there := v.entries.Get(ref)
		if err := mayEdit(caller, e, old); err != nil {
			return err
		}
		if !scope.Includes(e) { // who may not see what they propose could not see what became of it
			return fault.New(fault.WrongNode)
		}
		if there && entry.IsHidden(old) && entry.NodeOf(old) != entry.NodeOf(e) { // the other node would hear of it before it is theirs
			return fault.Invalid(fault.Field{Path: path(i, "office.node"), Reason: reason.HiddenAlone})
		}
		if there && entry.Equal(old, e) {
			continue
		}
		if asked.GetRevision() != old.GetRevision() {
			return fault.New(fault.WrongVersion).WithMeta("entry", string(ref)).WithMeta("current_version", strconv.FormatInt(old.GetRevision(), 10))
		}
		change := &directoryv1.PlannedChange{Entry: e, BaseRevision: old.GetRevision()}
		if there {
			change.ChangedFields = entry.ChangedFields(old, e)
		}
		p.Changes = append(p.Changes, change)
	}
	return nil
}

// validateProposal tells what is wrong with a proposal beyond the shape of its fields, together with all else that is.
func (s *Server) validateProposal(req *directoryv1.ProposeChangesRequest) (wrong []fault.Field) {
	position := map[entry.Ref]int{}
	var proposed []*directoryv1.Entry
	for i, asked := range req.GetEntries() {
		content := entry.Content(asked)
		if content == nil {
			wrong = append(wrong, fault.Field{Path: path(i, "content"), Reason: fault.Required})
			continue
		}
		e, err := entry.New(content)
		if err != nil {
			continue // there is no such content
		}
		if _, twice := position[entry.RefOf(e)]; twice {
			wrong = append(wrong, fault.Field{Path: path(i, "content"), Reason: fault.NotUnique})
			continue
		}
		position[entry.RefOf(e)] = i
		proposed = append(proposed, e)
	}
	for _, i := range entry.MixedVisibility(proposed) {
		wrong = append(wrong, fault.Field{Path: path(position[entry.RefOf(proposed[i])], "office.visibility"), Reason: reason.HiddenAlone})
	}
	// Hidden entries need not be there: nobody names them.
	return append(wrong, s.findProblems(proposed, s.publicView().entries.Without(proposed), s.now(), func(ref entry.Ref, field string) string {
		if i, mine := position[ref]; mine {
			return path(i, ref.Kind()+"."+field)
		}
		return string(ref) + "." + field // of an entry that does not change, but no longer fits
	})...)
}

// ValidateEntries is the store's check of entries that are about to become current.
func (s *Server) ValidateEntries(proposed, rest []*directoryv1.Entry) error {
	return fault.Invalid(s.findProblems(proposed, rest, s.now(), func(ref entry.Ref, field string) string { return string(ref) + "." + field })...)
}

func (s *Server) findProblems(proposed, rest []*directoryv1.Entry, now time.Time, name func(ref entry.Ref, field string) string) (fields []fault.Field) {
	for ref, wrong := range entry.FindProblems(proposed, rest, s.Vocabulary(), now) {
		for _, f := range wrong {
			f.Path = name(ref, f.Path)
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
	return fields
}

// mayEdit lets the centre edit everything, and a node what is its own, before and after.
func mayEdit(c identity.Caller, e, old *directoryv1.Entry) error {
	if c.Node() == identity.Centre || entry.NodeOf(e) == c.Node() && (old == nil || entry.NodeOf(old) == c.Node()) {
		return nil
	}
	return fault.New(fault.WrongNode)
}

// DecideProposal keeps the decision of a second person.
func (s *Server) DecideProposal(ctx context.Context, req *directoryv1.DecideProposalRequest) (*directoryv1.DecideProposalResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	caller, _ := identity.From(ctx)
	if caller.Node() != identity.Centre {
		return nil, fault.New(fault.WrongNode)
	}
	now := s.now()
	p, replayed, err := store.Decide(ctx, s.pool, store.Decision{
		ProposalID: req.GetProposalId(), Version: req.GetVersion(), Approve: req.GetDecision() == directoryv1.Decision_DECISION_APPROVE,
		Note: req.GetNote(), DecidedBy: actorOf(caller), DecidedAt: now, Today: romeDate(now), Scope: scopeOf(ctx), Cached: *s.snapshot.Load(),
	}, request(req.GetRequestId(), "DecideProposal", req), s.ValidateEntries)
	if err != nil {
		return nil, err
	}
	return &directoryv1.DecideProposalResponse{Proposal: visibleProposal(ctx, p), Replayed: replayed}, nil
}

// ListProposals returns a page of proposals.
func (s *Server) ListProposals(ctx context.Context, req *directoryv1.ListProposalsRequest) (*directoryv1.ListProposalsResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	filter := "proposals " + req.GetState().String()
	after, err := decodeEntryToken(req.GetPageToken(), filter)
	if err != nil {
		return nil, err
	}
	if after != "" && uuid.Validate(string(after)) != nil {
		return nil, fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	page, more, err := store.ListProposals(ctx, s.pool, scopeOf(ctx), req.GetState(), string(after), size)
	if err != nil {
		return nil, err
	}
	answer := &directoryv1.ListProposalsResponse{}
	for _, p := range page {
		answer.Proposals = append(answer.Proposals, visibleProposal(ctx, p))
	}
	if more {
		// The identifier, not the number, of the last one: numbers would tell how many there are that are not shown.
		answer.NextPageToken = encodeEntryToken(entry.Ref(page[len(page)-1].GetProposalId()), filter)
	}
	return answer, nil
}

// request is a call that may be repeated. What it says is in the database as it is: a plain hash tells nothing more.
func request(id, method string, m proto.Message) idempotency.Request {
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m) // a message that came over the wire can be written
	sum := sha256.Sum256(raw)
	return idempotency.Request{ID: id, Method: method, BodyHash: sum[:]}
}

// visibleProposal is a proposal as the caller sees it: without what is hidden from them, and nil when nothing is left.
func visibleProposal(ctx context.Context, p store.Proposal) *directoryv1.Proposal {
	if p.Proposal == nil {
		return nil
	}
	c, _ := identity.From(ctx)
	scope := scopeOf(ctx)
	p.Changes = slices.DeleteFunc(p.Changes, func(change *directoryv1.PlannedChange) bool { return !scope.Includes(change.GetEntry()) })
	if len(p.GetChanges()) == 0 {
		return nil
	}
	p.Own = p.ProposedBy.Person == c.Person
	return p.Proposal
}

func actorOf(c identity.Caller) store.Actor {
	return store.Actor{Person: c.Person, Node: c.ID.Node, System: c.ID.Name}
}

func path(i int, field string) string { return fmt.Sprintf("entries[%d].%s", i, field) }

func romeDate(now time.Time) string { return now.In(tz.Rome).Format(time.DateOnly) }
