package api

import (
	"context"
	"slices"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
)

// maxStates limits how many states of an entry a response holds.
const maxStates = 200

// GetEntry returns one entry.
func (s *Server) GetEntry(
	ctx context.Context, req *directoryv1.GetEntryRequest,
) (*directoryv1.GetEntryResponse, error) {
	v := s.viewFor(ctx)
	e, ok := v.entries.Get(entry.NewRef(req.GetKind(), req.GetId()))
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return &directoryv1.GetEntryResponse{Entry: e, Freshness: s.freshness(v)}, nil
}

// ListEntries returns a page of entries.
func (s *Server) ListEntries(
	ctx context.Context, req *directoryv1.ListEntriesRequest,
) (*directoryv1.ListEntriesResponse, error) {
	v := s.viewFor(ctx)
	filter := entry.Filter{
		Kinds: req.GetKinds(), Node: req.GetNode(),
		ReferringTo: entry.Ref(req.GetReferringTo()), VerifiedBefore: req.GetVerifiedBefore(),
	}
	after, err := decodeEntryToken(req.GetPageToken(), filter.String())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	page, more := v.entries.Page(filter, after, size)
	resp := &directoryv1.ListEntriesResponse{Entries: page, Revision: v.revision, Freshness: s.freshness(v)}
	if more {
		resp.NextPageToken = encodeEntryToken(entry.RefOf(page[len(page)-1]), filter.String())
	}
	return resp, nil
}

// ListEntryHistory returns the states of an entry, newest first, each with the fields that it changed.
func (s *Server) ListEntryHistory(
	ctx context.Context, req *directoryv1.ListEntryHistoryRequest,
) (*directoryv1.ListEntryHistoryResponse, error) {
	if err := s.requireCentre(); err != nil {
		return nil, err
	}
	states, err := store.ListHistory(ctx, s.pool, entry.NewRef(req.GetKind(), req.GetId()), maxStates+1)
	if err != nil {
		return nil, err
	}
	scope := scopeOf(ctx)
	states = slices.DeleteFunc(states, func(e *directoryv1.Entry) bool { return !scope.Includes(e) })
	if len(states) == 0 {
		return nil, fault.New(fault.NotFound)
	}
	resp := &directoryv1.ListEntryHistoryResponse{}
	for i, e := range states[:min(len(states), maxStates)] {
		state := &directoryv1.EntryState{Entry: e}
		if i+1 < len(states) {
			state.ChangedFields = entry.ChangedFields(states[i+1], e)
		}
		resp.States = append(resp.States, state)
	}
	return resp, nil
}
