package api

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
)

// GetDirectoryStatus returns how current this directory is, and the digest of its public entries.
func (s *Server) GetDirectoryStatus(
	ctx context.Context, _ *directoryv1.GetDirectoryStatusRequest,
) (*directoryv1.GetDirectoryStatusResponse, error) {
	public, err := store.GetCheckpoint(ctx, s.pool, tenant.ID{})
	if err != nil {
		return nil, err
	}
	freshness := s.freshness(s.viewFor(ctx))
	return &directoryv1.GetDirectoryStatusResponse{Freshness: freshness, Digest: public.Digest}, nil
}

// freshness returns how current a response made from a view is.
func (s *Server) freshness(v *view) *directoryv1.Freshness {
	now := s.now()
	f := &directoryv1.Freshness{Copy: s.ConfirmedAt != nil, Revision: v.revision, ConfirmedAt: timestamppb.New(now)}
	if s.ConfirmedAt == nil {
		return f
	}
	if f.ConfirmedAt = nil; !s.ConfirmedAt().IsZero() {
		f.ConfirmedAt = timestamppb.New(s.ConfirmedAt())
		f.AgeSeconds = int64(max(0, now.Sub(s.ConfirmedAt())) / time.Second)
	}
	return f
}

// requireCentre refuses RPCs that a node's copy cannot serve, because it has no history and no proposals.
func (s *Server) requireCentre() error {
	if s.ConfirmedAt != nil {
		return fault.New(reason.AtTheCentreOnly)
	}
	return nil
}
