// Package api implements intake's gRPC service. Each method converts the request, calls domain and store, and converts
// the result. Access rules and field rules are in the contract: the interceptors apply them before a method runs.
package api

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/number"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/reason"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// defaultPageSize is the page size of a list request that names none.
const defaultPageSize = 50

// keyTimeout is how long a submission waits for a data key.
const keyTimeout = 2 * time.Second

// Server implements IntakeService.
type Server struct {
	intakev1.UnsafeIntakeServiceServer

	Reports   *store.Reports
	Keys      *seal.KeyStore
	Recent    *idempotency.Recent
	Secrets   *seal.Secrets
	Handovers *handover.Worker
	// NumberPrefixes begin the report numbers, for instance CR, by tenant.
	NumberPrefixes map[tenant.ID]string
	// WakeRelay is called after a commit that appended an event to the outbox.
	WakeRelay func()
	Now       func() time.Time
}

var _ intakev1.IntakeServiceServer = (*Server)(nil)

// Check implements rpc.Checker.
func (s *Server) Check(m proto.Message) []fault.Field {
	if req, ok := m.(*intakev1.SubmitReportRequest); ok {
		return report.Validate(contentFromProto(req.GetContent()))
	}
	return nil
}

// SubmitReport implements IntakeService.
func (s *Server) SubmitReport(
	ctx context.Context, req *intakev1.SubmitReportRequest,
) (*intakev1.SubmitReportResponse, error) {
	caller, _ := identity.From(ctx)
	requestKey := s.requestKey(caller.Tenant(), "SubmitReport", req)
	expired := req.GetFirstSentAt() != nil && s.Now().Sub(req.GetFirstSentAt().AsTime()) > idempotency.Retention
	receipt := s.Secrets.Receipt(caller.Tenant(), req.GetRequestId())
	if req.GetValidateOnly() {
		_, stored, err := s.Reports.GetByRequest(ctx, caller.Tenant(), requestKey)
		if err == nil && !stored && !expired {
			lookup := s.Secrets.ReceiptLookup(caller.Tenant(), receipt)
			expired, err = s.Reports.HasReceipt(ctx, caller.Tenant(), lookup)
		}
		if err == nil && !stored && expired {
			err = fault.New(reason.RequestIDExpired)
		}
		return &intakev1.SubmitReportResponse{}, err
	}
	// Most repeated calls end here and use up no data key. Others find out in the store.
	if isRepeated(ctx, req) || s.Recent.Has(caller.Tenant(), requestKey.Key) {
		stored, found, err := s.Reports.GetByRequest(ctx, caller.Tenant(), requestKey)
		switch {
		case err != nil:
			return nil, err
		case found:
			return submitResponse(stored, receipt, true), nil
		case expired:
			return nil, fault.New(reason.RequestIDExpired)
		}
	}
	key, err := s.newKey(ctx, caller.Tenant())
	if err != nil { // only what is stored has an answer
		return s.replaySubmit(ctx, caller.Tenant(), requestKey, receipt, err)
	}
	sub, err := s.newSubmission(caller, req, requestKey, receipt, key)
	if err == nil {
		err = s.Reports.Submit(ctx, sub)
	}
	if idempotency.IsDuplicate(err) {
		s.Recent.Add(caller.Tenant(), requestKey.Key)
		// Without an answer the request was purged just now: a retry helps.
		return s.replaySubmit(ctx, caller.Tenant(), requestKey, receipt, fault.New(fault.Unavailable))
	}
	if err != nil {
		return nil, err
	}
	s.Recent.Add(caller.Tenant(), requestKey.Key)
	s.WakeRelay()
	return submitResponse(sub.Report, receipt, false), nil
}

// newKey returns a new data key. It leaves the call some time to look for the answer of a repeated request.
func (s *Server) newKey(ctx context.Context, t tenant.ID) (seal.DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	return s.Keys.NewKey(ctx, t)
}

// isRepeated reports whether a call says that it is not the first one of its request.
func isRepeated(ctx context.Context, req *intakev1.SubmitReportRequest) bool {
	return req.GetFirstSentAt() != nil || len(metadata.ValueFromIncomingContext(ctx, "grpc-previous-rpc-attempts")) > 0
}

// repeatable is a request that may be repeated.
type repeatable interface {
	proto.Message
	GetRequestId() string
}

// requestKey identifies a request that may be repeated.
func (s *Server) requestKey(t tenant.ID, method string, req repeatable) idempotency.Request {
	return idempotency.Request{
		Key: s.Secrets.RequestKey(t, req.GetRequestId()), Method: method,
		BodyHash: s.Secrets.BodyHash(t, method, idempotency.Body(req)),
	}
}

// newSubmission builds a numbered report with sealed content, and all that is stored with it.
func (s *Server) newSubmission(
	caller identity.Principal, req *intakev1.SubmitReportRequest, requestKey idempotency.Request, receipt string,
	key seal.DataKey,
) (sub store.Submission, err error) {
	t, now := caller.Tenant(), s.Now()
	drawNumber := func() string { return number.Draw(s.NumberPrefixes[t], now.In(tz.Rome).Year()).String() }
	coded, personal := contentFromProto(req.GetContent())
	personal.SetReceivedAt(coded, now)
	r := report.Receive(key.ID().String(), drawNumber(), t, coded, actorFromCaller(caller), now)
	sealed, err := sealContent(key, r, personal)
	if err != nil {
		return store.Submission{}, err
	}
	event, err := feed.EncodeCount(r, feed.Pseudonym(s.Secrets, t, r.ID), 1)
	if err != nil {
		return store.Submission{}, err
	}
	return store.Submission{
		Report: r, Sealed: sealed, ReceiptLookup: s.Secrets.ReceiptLookup(t, receipt), Request: requestKey,
		Event: event, DrawNumber: drawNumber,
	}, nil
}

// replaySubmit answers a request whose id is stored already. Without such a request it returns notStored.
func (s *Server) replaySubmit(
	ctx context.Context, t tenant.ID, requestKey idempotency.Request, receipt string, notStored error,
) (*intakev1.SubmitReportResponse, error) {
	r, found, err := s.Reports.GetByRequest(ctx, t, requestKey)
	if err == nil && !found {
		err = notStored
	}
	if err != nil {
		return nil, err
	}
	return submitResponse(r, receipt, true), nil
}

func submitResponse(r *report.Report, receipt string, replayed bool) *intakev1.SubmitReportResponse {
	return &intakev1.SubmitReportResponse{
		ReportId: r.ID, Number: r.Number, ReceiptCode: receipt, Replayed: replayed,
		ReceivedAt: timestamppb.New(r.ReceivedAt),
	}
}

// GetReport implements IntakeService.
func (s *Server) GetReport(
	ctx context.Context, req *intakev1.GetReportRequest,
) (*intakev1.GetReportResponse, error) {
	caller, _ := identity.From(ctx)
	full := req.GetView() == intakev1.ReportView_REPORT_VIEW_FULL
	if full && !mayOpenContent(caller) {
		return nil, fault.New(fault.ViewNotAllowed)
	}
	r, sealed, history, err := s.Reports.Get(ctx, caller.Tenant(), req.GetReportId())
	if err != nil {
		return nil, err
	}
	out := reportToProto(r)
	out.History = historyToProto(history)
	if full {
		if err := s.Reports.LogAccess(ctx, caller.Tenant(), r.ID, actorFromCaller(caller), s.Now()); err != nil {
			return nil, err
		}
		if err := s.openContent(ctx, r, sealed, out); err != nil {
			return nil, err
		}
	}
	return &intakev1.GetReportResponse{Report: out}, nil
}

// mayOpenContent reports whether the caller is a person who works on reports.
func mayOpenContent(c identity.Principal) bool {
	return c.Person != "" &&
		c.Has(accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR)
}

// ListReports implements IntakeService.
func (s *Server) ListReports(
	ctx context.Context, req *intakev1.ListReportsRequest,
) (*intakev1.ListReportsResponse, error) {
	caller, _ := identity.From(ctx)
	state := stateFromProto(req.GetState())
	filter := "reports " + string(state)
	if req.GetNumber() != "" {
		filter += " " + req.GetNumber()
	}
	token, err := s.Secrets.DecodePageToken(caller.Tenant(), filter, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if req.GetNumber() != "" {
		return s.listReportByNumber(ctx, caller.Tenant(), req.GetNumber(), state)
	}
	position := store.ParsePosition(token) // the token is authenticated, so it holds a position or nothing
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultPageSize
	}
	page, next, err := s.Reports.List(ctx, caller.Tenant(), state, position, limit)
	if err != nil {
		return nil, err
	}
	resp := &intakev1.ListReportsResponse{}
	for _, r := range page {
		resp.Reports = append(resp.Reports, reportToProto(r))
	}
	if next != (store.Position{}) {
		resp.NextPageToken, err = s.Secrets.EncodePageToken(caller.Tenant(), filter, next.String())
		if err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// listReportByNumber returns a list of the report with a number, or of none.
func (s *Server) listReportByNumber(
	ctx context.Context, t tenant.ID, number string, state report.State,
) (*intakev1.ListReportsResponse, error) {
	r, err := s.Reports.GetByNumber(ctx, t, number)
	switch {
	case fault.Is(err, fault.NotFound):
		return &intakev1.ListReportsResponse{}, nil
	case err != nil:
		return nil, err
	case state != "" && r.State != state:
		return &intakev1.ListReportsResponse{}, nil
	}
	return &intakev1.ListReportsResponse{Reports: []*intakev1.Report{reportToProto(r)}}, nil
}

// GetSubmissionStates implements IntakeService.
func (s *Server) GetSubmissionStates(
	ctx context.Context, req *intakev1.GetSubmissionStatesRequest,
) (*intakev1.GetSubmissionStatesResponse, error) {
	caller, _ := identity.From(ctx)
	keys := make([][]byte, len(req.GetRequestIds()))
	for i, id := range req.GetRequestIds() {
		keys[i] = s.Secrets.RequestKey(caller.Tenant(), id)
	}
	system := actorFromCaller(caller).System
	found, err := s.Reports.ListSubmissionStates(ctx, caller.Tenant(), system, keys)
	if err != nil {
		return nil, err
	}
	resp := &intakev1.GetSubmissionStatesResponse{}
	for _, state := range found {
		resp.Submissions = append(resp.Submissions, &intakev1.SubmissionState{
			RequestId: req.GetRequestIds()[state.Asked], State: stateToProto(state.State), Number: state.Number,
		})
	}
	return resp, nil
}

// TakeInCharge implements IntakeService.
func (s *Server) TakeInCharge(
	ctx context.Context, req *intakev1.TakeInChargeRequest,
) (*intakev1.TakeInChargeResponse, error) {
	caller, _ := identity.From(ctx)
	requestKey := s.requestKey(caller.Tenant(), "TakeInCharge", req)
	r, replayed, err := s.Reports.StartHandover(ctx, caller.Tenant(), req.GetReportId(), req.GetVersion(), requestKey,
		actorFromCaller(caller), s.Now())
	if err != nil {
		return nil, err
	}
	if r.State == report.HandingOver {
		if r, err = s.Handovers.Complete(ctx, caller.Tenant(), r.ID); err != nil {
			return nil, err
		}
	}
	return &intakev1.TakeInChargeResponse{Report: reportToProto(r), Replayed: replayed}, nil
}
