// Package api is case management's gRPC face: each call converts in, asks the case and the store, and converts out. Who may
// call stands in the contract; what a call may not hold was refused before it came here.
package api

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tz"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// Server implements CaseManagementService.
type Server struct {
	casemanagementv1.UnsafeCaseManagementServiceServer

	Cases   *store.Cases
	Keys    *seal.KeyStore
	Secrets *seal.Secrets
	// Course tells where a verdict leads a case: the group of its code.
	Course func(verdict string) casefile.Course
	// NumberPrefixes begin the case numbers, for instance CR.
	NumberPrefixes map[string]string
	// Stored is called after a commit that left an event in the outbox.
	Stored func()
	Log    *slog.Logger
	Now    func() time.Time
}

var _ casemanagementv1.CaseManagementServiceServer = (*Server)(nil)

// Check implements rpc.Checker.
func (s *Server) Check(m proto.Message) []fault.Field {
	if req, ok := m.(*casemanagementv1.AssessRequest); ok {
		return assessmentFromProto(req.GetAssessment()).Check()
	}
	return nil
}

// OpenCase implements CaseManagementService.
func (s *Server) OpenCase(ctx context.Context, req *casemanagementv1.OpenCaseRequest) (*casemanagementv1.OpenCaseResponse, error) {
	caller, _ := identity.From(ctx)
	node := caller.Node()
	by := casefile.Actor{Person: req.GetOnBehalfOf().GetPerson(), Node: req.GetOnBehalfOf().GetNode(), System: req.GetOnBehalfOf().GetSystem()}
	if by.Node != node {
		return nil, fault.New(fault.WrongNode)
	}
	// Most repeated calls end here, without a number or a key being spent; two at the same moment end in the store.
	before, err := s.Cases.ForReport(ctx, node, req.GetReportId())
	if err == nil {
		return &casemanagementv1.OpenCaseResponse{Case: caseToProto(before), Replayed: true}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	now := s.Now()
	n, err := s.Cases.Number(ctx, node, now.In(tz.Rome).Year())
	if err != nil {
		return nil, err
	}
	key, err := s.Keys.NewKey(ctx, node)
	if err != nil {
		return nil, err
	}
	c, replayed, err := s.Cases.Open(ctx, casefile.Open(casefile.Opening{
		ID: uuid.NewString(), Number: casefile.Number(s.NumberPrefixes[node], now.In(tz.Rome).Year(), n), Node: node, Pseudonym: uuid.NewString(), ReportID: req.GetReportId(),
		Received: casefile.Month{Year: req.GetReceivedMonth().GetYear(), Month: req.GetReceivedMonth().GetMonth()},
		Channel:  req.GetChannel(), ReporterRole: req.GetReporterRole(),
	}, by, now), key.ID())
	if err != nil {
		return nil, err
	}
	s.Stored()
	return &casemanagementv1.OpenCaseResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// GetCase implements CaseManagementService.
func (s *Server) GetCase(ctx context.Context, req *casemanagementv1.GetCaseRequest) (*casemanagementv1.GetCaseResponse, error) {
	caller, _ := identity.From(ctx)
	full := req.GetView() == casemanagementv1.CaseView_CASE_VIEW_FULL
	if full && !caller.Has(accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR) {
		return nil, fault.New(fault.ViewNotAllowed)
	}
	file, err := s.Cases.Get(ctx, caller.Node(), req.GetCaseId())
	if err != nil {
		return nil, err
	}
	out := caseToProto(file.Case)
	out.Actions, out.History = actionsToProto(file.Actions), historyToProto(file.History)
	if full {
		if err := s.Cases.Opened(ctx, caller.Node(), file.Case.ID, actorOf(caller), s.Now()); err != nil {
			return nil, err
		}
		if err := s.open(ctx, file, out); err != nil {
			return nil, err
		}
	}
	return &casemanagementv1.GetCaseResponse{Case: out}, nil
}

// ListCases implements CaseManagementService.
func (s *Server) ListCases(ctx context.Context, req *casemanagementv1.ListCasesRequest) (*casemanagementv1.ListCasesResponse, error) {
	caller, _ := identity.From(ctx)
	state := stateFromProto(req.GetState())
	filter := "cases " + string(state)
	token, err := s.Secrets.DecodePageToken(caller.Node(), filter, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	position, _ := strconv.ParseInt(token, 10, 64) // our own token: sealed, so whole
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = 50
	}
	page, next, err := s.Cases.List(ctx, caller.Node(), state, position, limit)
	if err != nil {
		return nil, err
	}
	answer := &casemanagementv1.ListCasesResponse{}
	for _, c := range page {
		answer.Cases = append(answer.Cases, caseToProto(c))
	}
	if next != 0 {
		if answer.NextPageToken, err = s.Secrets.EncodePageToken(caller.Node(), filter, strconv.FormatInt(next, 10)); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// Assess implements CaseManagementService.
func (s *Server) Assess(ctx context.Context, req *casemanagementv1.AssessRequest) (*casemanagementv1.AssessResponse, error) {
	caller, _ := identity.From(ctx)
	c, replayed, err := s.change(ctx, "Assess", req, func(c *casefile.Case, _ uuid.UUID) error {
		a := assessmentFromProto(req.GetAssessment())
		return c.Assess(req.GetVersion(), a, s.Course(a.Verdict), actorOf(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.AssessResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// RecordAction implements CaseManagementService.
func (s *Server) RecordAction(ctx context.Context, req *casemanagementv1.RecordActionRequest) (*casemanagementv1.RecordActionResponse, error) {
	caller, _ := identity.From(ctx)
	c, replayed, err := s.change(ctx, "RecordAction", req, func(c *casefile.Case, keyID uuid.UUID) error {
		a := casefile.Action{
			ID: uuid.NewString(), Code: req.GetCode(), Result: req.GetResult(), ReferralTarget: req.GetReferralTarget(), Minutes: req.GetMinutes(),
		}
		var err error
		if a.SealedNote, err = s.sealNote(ctx, c, keyID, "action/"+a.ID, req.GetNote()); err != nil {
			return err
		}
		return c.Act(req.GetVersion(), a, actorOf(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.RecordActionResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// CloseCase implements CaseManagementService.
func (s *Server) CloseCase(ctx context.Context, req *casemanagementv1.CloseCaseRequest) (*casemanagementv1.CloseCaseResponse, error) {
	caller, _ := identity.From(ctx)
	c, replayed, err := s.change(ctx, "CloseCase", req, func(c *casefile.Case, keyID uuid.UUID) error {
		closing := casefile.Closing{Outcome: req.GetOutcome(), Secondary: req.GetSecondaryOutcomes(), PersonInformed: req.GetPersonInformed()}
		var err error
		if closing.SealedNote, err = s.sealNote(ctx, c, keyID, closingField(c), req.GetNote()); err != nil {
			return err
		}
		return c.Close(req.GetVersion(), closing, actorOf(caller), s.Now())
	})
	if err != nil {
		return nil, err
	}
	return &casemanagementv1.CloseCaseResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// changing is what all requests that change a case have.
type changing interface {
	proto.Message
	GetRequestId() string
	GetCaseId() string
	GetValidateOnly() bool
}

func (s *Server) change(ctx context.Context, method string, req changing, decide func(*casefile.Case, uuid.UUID) error) (*casefile.Case, bool, error) {
	caller, _ := identity.From(ctx)
	hash, err := s.Secrets.BodyHash(req)
	if err != nil {
		return nil, false, err
	}
	asked := idempotency.Request{ID: req.GetRequestId(), Method: method, BodyHash: hash}
	c, replayed, err := s.Cases.Change(ctx, caller.Node(), req.GetCaseId(), asked, s.Now(), req.GetValidateOnly(), decide)
	if err != nil {
		return nil, false, err
	}
	s.Stored()
	return c, replayed, nil
}
