package api

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
)

// Assess implements CaseManagementService.
func (s *Server) Assess(
	ctx context.Context, req *casemanagementv1.AssessRequest,
) (*casemanagementv1.AssessResponse, error) {
	caller, _ := identity.From(ctx)
	c, replayed, err := s.update(ctx, "Assess", req, func(c *casefile.Case) error {
		a := assessmentFromProto(req.GetAssessment())
		return c.Assess(req.GetVersion(), a, s.Disposition(a.Verdict), actorFromCaller(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.AssessResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// RecordAction implements CaseManagementService.
func (s *Server) RecordAction(
	ctx context.Context, req *casemanagementv1.RecordActionRequest,
) (*casemanagementv1.RecordActionResponse, error) {
	caller, _ := identity.From(ctx)
	seal := s.prepareSeal(ctx, caller.Tenant(), req.GetCaseId(), req.GetNote())
	c, replayed, err := s.update(ctx, "RecordAction", req, func(c *casefile.Case) (err error) {
		a := casefile.Action{
			ID: uuid.NewString(), Code: req.GetCode(), Result: req.GetResult(), ReferralTarget: req.GetReferralTarget(),
			Minutes: req.GetMinutes(),
		}
		if a.SealedNote, err = seal(c, actionField(a.ID)); err != nil {
			return err
		}
		return c.RecordAction(req.GetVersion(), a, actorFromCaller(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.RecordActionResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// CloseCase implements CaseManagementService.
func (s *Server) CloseCase(
	ctx context.Context, req *casemanagementv1.CloseCaseRequest,
) (*casemanagementv1.CloseCaseResponse, error) {
	caller, _ := identity.From(ctx)
	seal := s.prepareSeal(ctx, caller.Tenant(), req.GetCaseId(), req.GetNote())
	c, replayed, err := s.update(ctx, "CloseCase", req, func(c *casefile.Case) (err error) {
		closing := casefile.Closing{
			Outcome: req.GetOutcome(), SecondaryOutcomes: req.GetSecondaryOutcomes(),
			PersonInformed: req.GetPersonInformed(),
		}
		if closing.SealedNote, err = seal(c, closingField(c)); err != nil {
			return err
		}
		return c.Close(req.GetVersion(), closing, actorFromCaller(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.CloseCaseResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// mutation is a request that changes a case.
type mutation interface {
	proto.Message
	GetRequestId() string
	GetCaseId() string
	GetValidateOnly() bool
}

// update applies a mutation to its case.
func (s *Server) update(
	ctx context.Context, method string, req mutation, mutate func(c *casefile.Case) error,
) (c *casefile.Case, replayed bool, err error) {
	caller, _ := identity.From(ctx)
	requestKey := idempotency.Request{
		Key: s.Secrets.RequestKey(caller.Tenant(), req.GetRequestId()), Method: method,
		BodyHash: s.Secrets.BodyHash(caller.Tenant(), method, idempotency.Body(req)),
	}
	c, replayed, err = s.Cases.Update(ctx, caller.Tenant(), req.GetCaseId(), requestKey, s.Now(), req.GetValidateOnly(),
		mutate)
	if err != nil {
		return nil, false, err
	}
	s.WakeRelay()
	return c, replayed, nil
}
