// Package story replays the acceptance stories of the network through its public API: a system or a desk submits the
// reports, and the persons with the right roles work the cases. All persons in them are invented.
package story

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/client"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// maxConcurrentReports bounds how many copies of a report are submitted at the same time.
const maxConcurrentReports = 8

// Run replays one story. It can be cancelled at any point. It is not idempotent: each run creates new reports.
func Run(ctx context.Context, net client.Network, s Story) error {
	if err := run(ctx, net, s); err != nil {
		return fmt.Errorf("story %d, %s: %w", s.Number, s.Title, err)
	}
	return nil
}

func run(ctx context.Context, net client.Network, s Story) error {
	reportID, err := submit(ctx, net, s)
	if err != nil {
		return err
	}
	caseID, err := takeInCharge(ctx, net, s.Node, reportID)
	if err != nil {
		return err
	}
	conn, err := signIn(ctx, net, "casemanagement."+s.Node, "coordinator-"+s.Node)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return workCase(ctx, casemanagementv1.NewCaseManagementServiceClient(conn), caseID, s)
}

// submit submits the report and its copies, and returns the id of the first.
func submit(ctx context.Context, net client.Network, s Story) (reportID string, err error) {
	conn, err := net.Conn("intake."+s.Node, "protocollo."+s.Node, "")
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	intake := intakev1.NewIntakeServiceClient(conn)
	req := &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: s.Report}
	first, err := intake.SubmitReport(ctx, req)
	if err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConcurrentReports)
	for range s.Copies - 1 {
		g.Go(func() error { return submitCopy(ctx, intake, s.Report) })
	}
	if err := g.Wait(); err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	return first.GetReportId(), nil
}

// submitCopy retries with the same request id while the service is overloaded, so no copy is stored twice.
func submitCopy(ctx context.Context, intake intakev1.IntakeServiceClient, content *intakev1.ReportContent) error {
	req := &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: content}
	for {
		_, err := intake.SubmitReport(ctx, req)
		code := status.Code(err)
		if (code == codes.Unavailable || code == codes.ResourceExhausted) && ctx.Err() == nil {
			continue
		}
		return err
	}
}

func takeInCharge(ctx context.Context, net client.Network, node, reportID string) (caseID string, err error) {
	conn, err := signIn(ctx, net, "intake."+node, "operator-"+node)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	req := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: reportID, Version: 1}
	resp, err := intakev1.NewIntakeServiceClient(conn).TakeInCharge(ctx, req)
	if err != nil {
		return "", fmt.Errorf("take in charge: %w", err)
	}
	return resp.GetReport().GetCaseId(), nil
}

func signIn(ctx context.Context, net client.Network, service, user string) (*grpc.ClientConn, error) {
	token, _, err := net.SignIn(ctx, user)
	if err != nil {
		return nil, err
	}
	return net.Conn(service, client.Console(service), token)
}

// workCase assesses a case, records its actions, and closes it when the story does.
func workCase(
	ctx context.Context, cases casemanagementv1.CaseManagementServiceClient, caseID string, s Story,
) error {
	assessed, err := cases.Assess(ctx, &casemanagementv1.AssessRequest{
		RequestId: uuid.NewString(), CaseId: caseID, Version: 1, Assessment: s.Assessment,
	})
	if err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	version := assessed.GetCase().GetVersion()
	for _, a := range s.Actions {
		req := proto.CloneOf(a)
		req.RequestId, req.CaseId, req.Version = uuid.NewString(), caseID, version
		resp, err := cases.RecordAction(ctx, req)
		if err != nil {
			return fmt.Errorf("record %s: %w", a.GetCode(), err)
		}
		version = resp.GetCase().GetVersion()
	}
	if s.Close == nil {
		return nil
	}
	req := proto.CloneOf(s.Close)
	req.RequestId, req.CaseId, req.Version = uuid.NewString(), caseID, version
	if _, err := cases.CloseCase(ctx, req); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
