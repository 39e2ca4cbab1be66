// Package story tells the acceptance stories of the network through its public API, as desks and municipal systems would:
// reports through a system or a desk, cases by the people who may work them. The people in them are invented.
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

// clients is how many systems report the same thing at once.
const clients = 8

// Tell tells one story. It may be stopped at any point; told again it is another one.
func Tell(ctx context.Context, a client.Network, s Story) error {
	if err := tell(ctx, a, s); err != nil {
		return fmt.Errorf("story %d, %s: %w", s.Number, s.Title, err)
	}
	return nil
}

func tell(ctx context.Context, a client.Network, s Story) error {
	reportID, err := submit(ctx, a, s)
	if err != nil {
		return err
	}
	desk, err := signIn(ctx, a, "intake."+s.Node, "operator-"+s.Node)
	if err != nil {
		return err
	}
	defer func() { _ = desk.Close() }()
	taken, err := intakev1.NewIntakeServiceClient(desk).TakeInCharge(ctx, &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: reportID, Version: 1})
	if err != nil {
		return fmt.Errorf("take in charge: %w", err)
	}
	office, err := signIn(ctx, a, "casemanagement."+s.Node, "coordinator-"+s.Node)
	if err != nil {
		return err
	}
	defer func() { _ = office.Close() }()
	return work(ctx, casemanagementv1.NewCaseManagementServiceClient(office), taken.GetReport().GetCaseId(), s)
}

// submit sends the report, as often as people told it, and returns the first one's id.
func submit(ctx context.Context, a client.Network, s Story) (string, error) {
	conn, err := a.Conn("intake."+s.Node, "protocollo."+s.Node, "")
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	intake := intakev1.NewIntakeServiceClient(conn)
	first, err := intake.SubmitReport(ctx, &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: s.Report})
	if err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(clients)
	for range s.Copies - 1 {
		g.Go(func() error {
			req := &intakev1.SubmitReportRequest{RequestId: uuid.NewString(), Content: s.Report}
			for {
				_, err := intake.SubmitReport(ctx, req)
				if code := status.Code(err); (code == codes.Unavailable || code == codes.ResourceExhausted) && ctx.Err() == nil {
					continue // safe: it is the same request
				}
				return err
			}
		})
	}
	if err := g.Wait(); err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	return first.GetReportId(), nil
}

func signIn(ctx context.Context, a client.Network, service, persona string) (*grpc.ClientConn, error) {
	token, _, err := a.SignIn(ctx, persona)
	if err != nil {
		return nil, err
	}
	return a.Conn(service, client.Console(service), token)
}

// work takes a case from its assessment as far as the story goes.
func work(ctx context.Context, cases casemanagementv1.CaseManagementServiceClient, caseID string, s Story) error {
	assessed, err := cases.Assess(ctx, &casemanagementv1.AssessRequest{RequestId: uuid.NewString(), CaseId: caseID, Version: 1, Assessment: s.Assessment})
	if err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	version := assessed.GetCase().GetVersion()
	for _, a := range s.Actions {
		req := proto.CloneOf(a)
		req.RequestId, req.CaseId, req.Version = uuid.NewString(), caseID, version
		acted, err := cases.RecordAction(ctx, req)
		if err != nil {
			return fmt.Errorf("record %s: %w", a.GetCode(), err)
		}
		version = acted.GetCase().GetVersion()
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
