package api

import (
	"cmp"
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
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
)

// ProposeChanges stores changes for a second person to decide on. With validate_only it only returns the plan.
func (s *Server) ProposeChanges(
	ctx context.Context, req *directoryv1.ProposeChangesRequest,
) (*directoryv1.ProposeChangesResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	caller, _ := identity.From(ctx)
	now, request := s.now(), newIdempotencyRequest(req.GetRequestId(), "ProposeChanges", req)
	// A repeated request gets its proposal again, even if it would not be valid any more.
	if proposal, found, err := store.LookupProposal(ctx, s.pool, request); err != nil || found {
		return replay(ctx, proposal, err)
	}
	if day := req.GetEffectiveOn(); day != "" && day < romeDate(now) {
		return nil, fault.Invalid(fault.Field{Path: "effective_on", Reason: reason.PastDate})
	}
	p := &directoryv1.Proposal{
		Version: 1, State: directoryv1.ProposalState_PROPOSAL_STATE_PENDING,
		Reason: req.GetReason(), EffectiveOn: req.GetEffectiveOn(),
		ProposedFor: caller.Tenant().Node, ProposedForRegion: caller.Tenant().Region,
		Own: true, ProposedAt: timestamppb.New(now),
	}
	var err error
	if p.Changes, err = s.planChanges(ctx, caller, req); err != nil {
		return nil, err
	}
	switch {
	case len(p.GetChanges()) == 0:
		return &directoryv1.ProposeChangesResponse{}, nil
	case req.GetValidateOnly():
		return &directoryv1.ProposeChangesResponse{Proposal: p}, nil
	}
	p.ProposalId = uuid.NewString()
	proposal := store.Proposal{Proposal: p, ProposedBy: actorOf(caller)}
	stored, replayed, err := store.InsertProposal(ctx, s.pool, proposal, request)
	if err != nil {
		return nil, err
	}
	return &directoryv1.ProposeChangesResponse{Proposal: visibleProposal(ctx, stored), Replayed: replayed}, nil
}

// replay returns the response to a repeated request. A caller who may see nothing of the proposal gets the same fault
// as for a new request with these entries.
func replay(ctx context.Context, stored store.Proposal, err error) (*directoryv1.ProposeChangesResponse, error) {
	p := visibleProposal(ctx, stored)
	if err == nil && p == nil {
		err = fault.New(fault.WrongNode)
	}
	if err != nil {
		return nil, err
	}
	return &directoryv1.ProposeChangesResponse{Proposal: p, Replayed: true}, nil
}

// planChanges returns what a request changes. Check has validated its entries.
func (s *Server) planChanges(
	ctx context.Context, caller identity.Principal, req *directoryv1.ProposeChangesRequest,
) (changes []*directoryv1.PlannedChange, err error) {
	v, scope := s.viewFor(ctx), scopeOf(ctx)
	for i, proposed := range req.GetEntries() {
		e, err := entry.New(entry.Content(proposed))
		if err != nil {
			return nil, err
		}
		ref := entry.RefOf(e)
		current, found := v.entries.Get(ref)
		if err := s.checkEditor(caller, e, current); err != nil {
			return nil, err
		}
		if !scope.Includes(e) { // otherwise callers could not see their own proposal
			return nil, fault.New(fault.WrongNode)
		}
		// Moving a hidden entry would reveal it to the other node before the move is approved.
		if found && entry.IsHidden(current) && !entry.SameOwner(current, e) {
			return nil, fault.Invalid(fault.Field{Path: entryPath(i, "office.node"), Reason: reason.HiddenAlone})
		}
		if found && entry.Equal(current, e) {
			continue
		}
		if proposed.GetRevision() != current.GetRevision() {
			return nil, fault.New(fault.WrongVersion).WithMeta("entry", string(ref)).
				WithMeta("current_version", strconv.FormatInt(current.GetRevision(), 10))
		}
		change := &directoryv1.PlannedChange{Entry: e, BaseRevision: current.GetRevision()}
		if found {
			change.ChangedFields = entry.ChangedFields(current, e)
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// validateProposal returns the problems of a proposal that the field rules of the contract do not cover.
func (s *Server) validateProposal(req *directoryv1.ProposeChangesRequest) (problems []fault.Field) {
	position := map[entry.Ref]int{}
	var proposed []*directoryv1.Entry
	for i, e := range req.GetEntries() {
		content := entry.Content(e)
		if content == nil {
			problems = append(problems, fault.Field{Path: entryPath(i, "content"), Reason: fault.Required})
			continue
		}
		e, err := entry.New(content)
		if err != nil {
			continue // unreachable: every content has a kind
		}
		if _, duplicate := position[entry.RefOf(e)]; duplicate {
			problems = append(problems, fault.Field{Path: entryPath(i, "content"), Reason: fault.NotUnique})
			continue
		}
		position[entry.RefOf(e)] = i
		proposed = append(proposed, e)
	}
	for _, i := range entry.MixedVisibility(proposed) {
		path := entryPath(position[entry.RefOf(proposed[i])], "office.visibility")
		problems = append(problems, fault.Field{Path: path, Reason: reason.HiddenAlone})
	}
	path := func(ref entry.Ref, field string) string {
		if i, ok := position[ref]; ok {
			return entryPath(i, ref.Kind()+"."+field)
		}
		return refPath(ref, field) // an unchanged entry that the proposal makes invalid
	}
	// The public view is enough: no entry refers to a hidden one.
	rest := s.publicView().entries.Without(proposed)
	return append(problems, s.findProblems(proposed, rest, s.now(), path)...)
}

// ValidateEntries validates entries that the store is about to make current, against the rest of the directory.
func (s *Server) ValidateEntries(proposed, rest []*directoryv1.Entry) error {
	return fault.Invalid(s.findProblems(proposed, rest, s.now(), refPath)...)
}

// findProblems validates proposed entries against the rest of the directory; path names a field of an entry.
func (s *Server) findProblems(
	proposed, rest []*directoryv1.Entry, now time.Time, path func(ref entry.Ref, field string) string,
) (fields []fault.Field) {
	for ref, problems := range entry.FindProblems(proposed, rest, s.Vocabulary(), now) {
		for _, f := range problems {
			f.Path = path(ref, f.Path)
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
	return fields
}

// checkEditor lets a node edit the entries that are its own both before and after the change, and a centre those of the
// regions that its grants cover.
func (s *Server) checkEditor(p identity.Principal, e, current *directoryv1.Entry) error {
	for _, version := range []*directoryv1.Entry{e, cmp.Or(current, e)} {
		regions := s.regionsOf(version)
		own := p.Has() && entry.OwnedBy(version, p.Tenant()) && len(regions) == 1
		if !own && !coversAll(p, regions) {
			return fault.New(fault.WrongNode)
		}
	}
	return nil
}

// regionsOf returns the regions that an entry concerns: its own and, should that differ, the region of its node.
// Otherwise an entry of one region could claim a node of another one. An entry without a region concerns all of them.
func (s *Server) regionsOf(e *directoryv1.Entry) []string {
	regions := []string{cmp.Or(entry.Region(e), tenant.AllRegions)}
	node, _ := s.publicView().entries.Get(entry.NewRef("node", entry.NodeOf(e)))
	if region := node.GetNode().GetRegion(); region != "" && region != regions[0] {
		regions = append(regions, region)
	}
	return regions
}

// coversAll reports whether the caller has a grant at the centre over each of the regions. The access rule of the
// method has selected the grants.
func coversAll(p identity.Principal, regions []string) bool {
	return !slices.ContainsFunc(regions, func(region string) bool { return !p.HasOverRegion(region) })
}

// DecideProposal stores the decision of a second person.
func (s *Server) DecideProposal(
	ctx context.Context, req *directoryv1.DecideProposalRequest,
) (*directoryv1.DecideProposalResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	caller, _ := identity.From(ctx)
	if !caller.Tenant().IsCentre() {
		return nil, fault.New(fault.WrongNode)
	}
	now := s.now()
	decision := store.Decision{
		ProposalID: req.GetProposalId(), Version: req.GetVersion(),
		Approve: req.GetDecision() == directoryv1.Decision_DECISION_APPROVE, Note: req.GetNote(),
		DecidedBy: actorOf(caller), DecidedAt: now, Today: romeDate(now),
		MayDecide: func(e *directoryv1.Entry) bool { return coversAll(caller, s.regionsOf(e)) },
		Scope:     scopeOf(ctx), Cached: *s.snapshot.Load(),
	}
	request := newIdempotencyRequest(req.GetRequestId(), "DecideProposal", req)
	p, replayed, err := store.Decide(ctx, s.pool, decision, request, s.ValidateEntries)
	if err != nil {
		return nil, err
	}
	return &directoryv1.DecideProposalResponse{Proposal: visibleProposal(ctx, p), Replayed: replayed}, nil
}

// ListProposals returns a page of proposals.
func (s *Server) ListProposals(
	ctx context.Context, req *directoryv1.ListProposalsRequest,
) (*directoryv1.ListProposalsResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	filter := "proposals " + req.GetState().String()
	after, err := decodeEntryToken(req.GetPageToken(), filter)
	if err != nil {
		return nil, err
	}
	if after != "" && uuid.Validate(string(after)) != nil {
		return nil, errBadPageToken()
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	page, more, err := store.ListProposals(ctx, s.pool, scopeOf(ctx), req.GetState(), string(after), size)
	if err != nil {
		return nil, err
	}
	resp := &directoryv1.ListProposalsResponse{}
	for _, p := range page {
		resp.Proposals = append(resp.Proposals, visibleProposal(ctx, p))
	}
	if more {
		// The token holds the identifier of the last proposal: a sequence number would reveal how many are not visible.
		resp.NextPageToken = encodeEntryToken(entry.Ref(page[len(page)-1].GetProposalId()), filter)
	}
	return resp, nil
}

// newIdempotencyRequest identifies a call that may be repeated. Plain hashes are enough: the database holds the content
// of the request, its author and its time in the clear.
func newIdempotencyRequest(id, method string, m proto.Message) idempotency.Request {
	sum, key := sha256.Sum256(idempotency.Body(m)), sha256.Sum256([]byte(id))
	return idempotency.Request{Key: key[:], Method: method, BodyHash: sum[:]}
}

// visibleProposal returns the part of a proposal that the caller may see, or nil if nothing is left of it.
func visibleProposal(ctx context.Context, p store.Proposal) *directoryv1.Proposal {
	if p.Proposal == nil {
		return nil
	}
	c, _ := identity.From(ctx)
	scope := scopeOf(ctx)
	p.Changes = slices.DeleteFunc(p.Changes, func(change *directoryv1.PlannedChange) bool {
		return !scope.Includes(change.GetEntry())
	})
	if len(p.GetChanges()) == 0 {
		return nil
	}
	p.Own = p.ProposedBy.Person == c.Person
	return p.Proposal
}

func actorOf(c identity.Principal) store.Actor {
	return store.Actor{Person: c.Person, Tenant: c.Tenant(), System: c.Program.Name}
}

func entryPath(i int, field string) string { return fmt.Sprintf("entries[%d].%s", i, field) }

func romeDate(now time.Time) string { return now.In(tz.Rome).Format(time.DateOnly) }
