// Package api implements case management's gRPC service. Each method converts the request, calls domain and store, and
// converts the result. Access rules and field rules are in the contract: the interceptors apply them before a method
// runs.
package api

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/number"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// defaultPageSize is the page size of a list request that names none.
const defaultPageSize = 50

// Server implements CaseManagementService.
type Server struct {
	casemanagementv1.UnsafeCaseManagementServiceServer

	Cases   *store.Cases
	Keys    *seal.KeyStore
	Secrets *seal.Secrets
	// Disposition returns the disposition of a verdict, as the code list of verdicts groups it.
	Disposition func(verdict string) casefile.Disposition
	// NumberPrefixes begin the case numbers, for instance CR, by tenant.
	NumberPrefixes map[tenant.ID]string
	// WakeRelay is called after a commit that may have appended an event to the outbox.
	WakeRelay func()
	Now       func() time.Time
}

var _ casemanagementv1.CaseManagementServiceServer = (*Server)(nil)

// Check implements rpc.Checker.
func (s *Server) Check(m proto.Message) []fault.Field {
	if req, ok := m.(*casemanagementv1.AssessRequest); ok {
		return assessmentFromProto(req.GetAssessment()).Validate()
	}
	return nil
}

// OpenCase implements CaseManagementService.
func (s *Server) OpenCase(
	ctx context.Context, req *casemanagementv1.OpenCaseRequest,
) (*casemanagementv1.OpenCaseResponse, error) {
	caller, _ := identity.From(ctx)
	t, by := caller.Tenant(), actorFromProto(req.GetOnBehalfOf())
	if by.Tenant != t {
		return nil, fault.New(fault.WrongNode)
	}
	// Most repeated calls end here and use up no data key. Concurrent ones end in the store.
	existing, err := s.Cases.GetByReport(ctx, t, req.GetReportId())
	if err == nil {
		return &casemanagementv1.OpenCaseResponse{Case: caseToProto(existing), Replayed: true}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	now := s.Now()
	year := now.In(tz.Rome).Year()
	drawNumber := func() string { return number.Draw(s.NumberPrefixes[t]+"-C", year).String() }
	key, err := s.Keys.NewKey(ctx, t)
	if err != nil {
		return nil, err
	}
	params := casefile.OpenParams{
		ID: key.ID().String(), Number: drawNumber(), Tenant: t,
		Pseudonym: uuid.NewString(), ReportID: req.GetReportId(),
		Received: casefile.Month{Year: req.GetReceivedMonth().GetYear(), Month: req.GetReceivedMonth().GetMonth()},
		Channel:  req.GetChannel(), ReporterRole: req.GetReporterRole(),
	}
	c, replayed, err := s.Cases.Open(ctx, casefile.Open(params, by, now), drawNumber)
	if err != nil {
		return nil, err
	}
	s.WakeRelay()
	return &casemanagementv1.OpenCaseResponse{Case: caseToProto(c), Replayed: replayed}, nil
}

// GetCase implements CaseManagementService.
func (s *Server) GetCase(
	ctx context.Context, req *casemanagementv1.GetCaseRequest,
) (*casemanagementv1.GetCaseResponse, error) {
	caller, _ := identity.From(ctx)
	full := req.GetView() == casemanagementv1.CaseView_CASE_VIEW_FULL
	if full && !caller.Has(accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR) {
		return nil, fault.New(fault.ViewNotAllowed)
	}
	file, err := s.Cases.Get(ctx, caller.Tenant(), req.GetCaseId())
	if err != nil {
		return nil, err
	}
	out := caseToProto(file.Case)
	out.Actions, out.History = actionsToProto(file.Actions), historyToProto(file.History)
	if full {
		if err := s.Cases.LogAccess(ctx, caller.Tenant(), file.Case.ID, actorFromCaller(caller), s.Now()); err != nil {
			return nil, err
		}
		if err := s.openNotes(ctx, file, out); err != nil {
			return nil, err
		}
	}
	return &casemanagementv1.GetCaseResponse{Case: out}, nil
}

// ListCases implements CaseManagementService.
func (s *Server) ListCases(
	ctx context.Context, req *casemanagementv1.ListCasesRequest,
) (*casemanagementv1.ListCasesResponse, error) {
	caller, _ := identity.From(ctx)
	state := stateFromProto(req.GetState())
	filter := "cases " + string(state)
	if req.GetNumber() != "" {
		filter += " " + req.GetNumber()
	}
	token, err := s.Secrets.DecodePageToken(caller.Tenant(), filter, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if req.GetNumber() != "" {
		return s.listCaseByNumber(ctx, caller.Tenant(), req.GetNumber(), state)
	}
	position, _ := strconv.ParseInt(token, 10, 64) // the token is authenticated, so it holds a number or nothing
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPageSize
	}
	page, next, err := s.Cases.List(ctx, caller.Tenant(), state, position, limit)
	if err != nil {
		return nil, err
	}
	resp := &casemanagementv1.ListCasesResponse{}
	for _, c := range page {
		resp.Cases = append(resp.Cases, caseToProto(c))
	}
	if next != 0 {
		resp.NextPageToken, err = s.Secrets.EncodePageToken(caller.Tenant(), filter, strconv.FormatInt(next, 10))
		if err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// listCaseByNumber returns a list of the case with a number, or of none.
func (s *Server) listCaseByNumber(
	ctx context.Context, t tenant.ID, number string, state casefile.State,
) (*casemanagementv1.ListCasesResponse, error) {
	c, err := s.Cases.GetByNumber(ctx, t, number)
	switch {
	case fault.Is(err, fault.NotFound):
		return &casemanagementv1.ListCasesResponse{}, nil
	case err != nil:
		return nil, err
	case state != "" && c.State != state:
		return &casemanagementv1.ListCasesResponse{}, nil
	}
	return &casemanagementv1.ListCasesResponse{Cases: []*casemanagementv1.Case{caseToProto(c)}}, nil
}
