// Package api is intake's gRPC face: each call converts in, asks the domain and the store, and converts out. Who may call
// stands in the contract; what a call may not hold was refused before it came here.
package api

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/idempotency"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tz"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	"github.com/retepari/pari/services/intake/internal/feed"
	"github.com/retepari/pari/services/intake/internal/handover"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// Server implements IntakeService.
type Server struct {
	intakev1.UnsafeIntakeServiceServer

	Reports   *store.Reports
	Keys      *seal.KeyStore
	Secrets   *seal.Secrets
	Handovers *handover.Handovers
	// NumberPrefixes begin the report numbers, for instance CR.
	NumberPrefixes map[string]string
	// Stored is called after a commit that left an event in the outbox.
	Stored func()
	Log    *slog.Logger
	Now    func() time.Time
}

var _ intakev1.IntakeServiceServer = (*Server)(nil)

// Check implements rpc.Checker.
func (s *Server) Check(m proto.Message) []fault.Field {
	if req, ok := m.(*intakev1.SubmitReportRequest); ok {
		return report.Check(contentFromProto(req.GetContent()))
	}
	return nil
}

// SubmitReport implements IntakeService.
func (s *Server) SubmitReport(ctx context.Context, req *intakev1.SubmitReportRequest) (*intakev1.SubmitReportResponse, error) {
	caller, _ := identity.From(ctx)
	node := caller.Node()
	codes, told := contentFromProto(req.GetContent())
	if req.GetValidateOnly() {
		return &intakev1.SubmitReportResponse{}, nil
	}
	hash, err := s.Secrets.BodyHash(req)
	if err != nil {
		return nil, err
	}
	sub := store.Submission{Request: idempotency.Request{ID: req.GetRequestId(), Method: "SubmitReport", BodyHash: hash}}
	now := s.Now()
	n, err := s.Reports.Number(ctx, node, now.In(tz.Rome).Year())
	if err != nil {
		return nil, err
	}
	sub.Report = report.Receive(uuid.NewString(), report.Number(s.NumberPrefixes[node], now.In(tz.Rome).Year(), n), node, codes, actorOf(caller), now)
	if sub.Sealed, err = s.seal(ctx, sub.Report, told); err != nil {
		return nil, err
	}
	receipt := s.Secrets.Receipt(node, req.GetRequestId())
	sub.ReceiptLookup = s.Secrets.ReceiptLookup(node, receipt)
	if sub.Event, err = feed.ReportCounted(sub.Report); err != nil {
		return nil, err
	}
	err = s.Reports.Submit(ctx, sub)
	if idempotency.IsDuplicate(err) {
		return s.replay(ctx, node, sub.Request, receipt)
	}
	if err != nil {
		return nil, err
	}
	s.Stored()
	return submitted(sub.Report, receipt, false), nil
}

// replay answers a request that was answered before, when it says the same.
func (s *Server) replay(ctx context.Context, node string, req idempotency.Request, receipt string) (*intakev1.SubmitReportResponse, error) {
	before, known, err := s.Reports.Answered(ctx, node, req)
	if err != nil {
		return nil, err
	}
	if !known { // its transaction is not visible yet, or was just rolled back: the caller tries again
		return nil, fault.New(fault.Unavailable)
	}
	return submitted(before, receipt, true), nil
}

func submitted(r *report.Report, receipt string, replayed bool) *intakev1.SubmitReportResponse {
	return &intakev1.SubmitReportResponse{ReportId: r.ID, Number: r.Number, ReceiptCode: receipt, Replayed: replayed, ReceivedAt: timestamppb.New(r.ReceivedAt)}
}

// GetReport implements IntakeService.
func (s *Server) GetReport(ctx context.Context, req *intakev1.GetReportRequest) (*intakev1.GetReportResponse, error) {
	caller, _ := identity.From(ctx)
	full := req.GetView() == intakev1.ReportView_REPORT_VIEW_FULL
	if full && (caller.Person == "" || !caller.Has(accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR)) {
		return nil, fault.New(fault.ViewNotAllowed)
	}
	r, sealed, history, err := s.Reports.Get(ctx, caller.Node(), req.GetReportId())
	if err != nil {
		return nil, err
	}
	out := reportToProto(r)
	out.History = historyToProto(history)
	if full {
		if err := s.Reports.Opened(ctx, caller.Node(), r.ID, actorOf(caller), s.Now()); err != nil {
			return nil, err
		}
		if err := s.open(ctx, r, sealed, out.GetContent()); err != nil {
			return nil, err
		}
	}
	return &intakev1.GetReportResponse{Report: out}, nil
}

// ListReports implements IntakeService.
func (s *Server) ListReports(ctx context.Context, req *intakev1.ListReportsRequest) (*intakev1.ListReportsResponse, error) {
	caller, _ := identity.From(ctx)
	state := stateFromProto(req.GetState())
	filter := "reports " + string(state)
	token, err := s.Secrets.DecodePageToken(caller.Node(), filter, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	position, _ := strconv.ParseInt(token, 10, 64) // our own token: sealed, so whole
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = 50
	}
	page, next, err := s.Reports.List(ctx, caller.Node(), state, position, limit)
	if err != nil {
		return nil, err
	}
	answer := &intakev1.ListReportsResponse{}
	for _, r := range page {
		answer.Reports = append(answer.Reports, reportToProto(r))
	}
	if next != 0 {
		if answer.NextPageToken, err = s.Secrets.EncodePageToken(caller.Node(), filter, strconv.FormatInt(next, 10)); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// TakeInCharge implements IntakeService.
func (s *Server) TakeInCharge(ctx context.Context, req *intakev1.TakeInChargeRequest) (*intakev1.TakeInChargeResponse, error) {
	caller, _ := identity.From(ctx)
	hash, err := s.Secrets.BodyHash(req)
	if err != nil {
		return nil, err
	}
	asked := idempotency.Request{ID: req.GetRequestId(), Method: "TakeInCharge", BodyHash: hash}
	r, replayed, err := s.Reports.HandOver(ctx, caller.Node(), req.GetReportId(), req.GetVersion(), asked, actorOf(caller), s.Now())
	if err != nil {
		return nil, err
	}
	if r.State == report.HandingOver {
		if r, err = s.Handovers.FinishFor(ctx, caller.Node(), r.ID); err != nil {
			return nil, err
		}
	}
	return &intakev1.TakeInChargeResponse{Report: reportToProto(r), Replayed: replayed}, nil
}
