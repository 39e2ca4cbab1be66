package api

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
	"github.com/retepari/pari/services/directory/internal/store"
)

// GetDirectoryStatus says how current this directory is.
func (s *Server) GetDirectoryStatus(ctx context.Context, _ *directoryv1.GetDirectoryStatusRequest) (*directoryv1.GetDirectoryStatusResponse, error) {
	public, err := store.At(ctx, s.pool, "")
	if err != nil {
		return nil, err
	}
	return &directoryv1.GetDirectoryStatusResponse{Freshness: s.freshness(s.viewFor(ctx)), Digest: public.Digest}, nil
}

// freshness says how current an answer from what is shown is.
func (s *Server) freshness(v *view) *directoryv1.Freshness {
	now := s.now()
	f := &directoryv1.Freshness{Copy: s.Confirmed != nil, Revision: v.revision, ConfirmedAt: timestamppb.New(now)}
	if s.Confirmed == nil {
		return f
	}
	if f.ConfirmedAt = nil; !s.Confirmed().IsZero() {
		f.ConfirmedAt = timestamppb.New(s.Confirmed())
		f.AgeSeconds = int64(max(0, now.Sub(s.Confirmed())) / time.Second)
	}
	return f
}

// atTheCentre refuses what a copy cannot do: it has no history and no proposals.
func (s *Server) atTheCentre() error {
	if s.Confirmed != nil {
		return fault.New(reason.AtTheCentreOnly)
	}
	return nil
}
