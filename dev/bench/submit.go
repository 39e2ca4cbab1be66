package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// maxConnections bounds the connections that clients share.
const maxConnections = 4

// sampleReport returns a report of typical length.
func sampleReport() *intakev1.SubmitReportRequest {
	return &intakev1.SubmitReportRequest{
		RequestId: uuid.NewString(),
		Content: &intakev1.ReportContent{
			Channel: "DESK", ReporterRole: "VICTIM", Grounds: []string{"SKIN_COLOUR", "NATIONALITY"}, Wish: "HELP",
			IncidentPlace: "019036", IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 3, Day: 7},
			Language: "it", NoticeVersion: "2026-01",
			Narrative: strings.Repeat("Al negozio hanno servito tutti gli altri prima di noi. ", 12),
			Contact: &intakev1.Contact{
				Name: "Nome Inventato", Phone: "0372 000000", Email: "persona@example.it", SafeContact: "dopo le 18",
			},
			Consents: []*intakev1.Consent{{Code: "C_CONTACT", Status: "GIVEN"}, {Code: "C_WORK", Status: "GIVEN"}},
		},
	}
}

// measureSubmit measures reports per second through the complete intake: mutual TLS, validation, sealing, receipt,
// outbox. The baseline inserts the same bytes.
func measureSubmit(ctx context.Context, e *env, clients int) (Result, error) {
	connections := min(clients, maxConnections)
	insert, err := insertHandler(ctx, e.baselineDB)
	if err != nil {
		return Result{}, err
	}
	baseline, err := startBaselineServer(ctx, e, connections, insert)
	if err != nil {
		return Result{}, err
	}
	defer baseline.stop()
	submit, closeConns, err := e.submitter(connections)
	if err != nil {
		return Result{}, err
	}
	defer closeConns()
	body, err := proto.Marshal(sampleReport())
	if err != nil {
		return Result{}, fmt.Errorf("sample: %w", err)
	}
	callBaseline := func(ctx context.Context, client int) error { return baseline.call(ctx, client, body) }
	for _, warmUp := range []func(context.Context, int) error{submit, callBaseline} {
		if _, err := closedLoop(ctx, clients, e.duration/2, warmUp); err != nil {
			return Result{}, err
		}
	}
	r, err := alternate(e.rounds,
		func() (round, error) { return closedLoop(ctx, clients, e.duration, submit) },
		func() (round, error) {
			// The feed must not still be busy with our last round.
			if err := e.waitApplied(ctx); err != nil {
				return round{}, err
			}
			return closedLoop(ctx, clients, e.duration, callBaseline)
		})
	if err != nil {
		return Result{}, err
	}
	feed := "the relay does not run: events stay in the outbox"
	if e.scenario == activeRelay {
		feed = "relay and centre work during our rounds, the feed is idle during the baseline's"
	}
	r.Unit = "reports/s"
	r.Conditions = fmt.Sprintf("%d clients in a closed loop over %d connections, %d rounds of %s each in turns after "+
		"%s of warm-up, medians; requests of %d bytes; ours: database pool of the service with its defaults; "+
		"baseline: gRPC over mutual TLS and one insert of the same bytes, pool of %d; %s",
		clients, connections, e.rounds, e.duration, e.duration/2, len(body), baselinePoolSize, feed)
	return r, nil
}

// submitter returns a call that submits one report. Clients share the given number of connections.
func (e *env) submitter(connections int) (call func(context.Context, int) error, closeConns func(), err error) {
	var conns []*grpc.ClientConn
	closeConns = func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	for range connections {
		conn, err := e.net.Client().Conn("intake.cremona", "protocollo.cremona", "")
		if err != nil {
			closeConns()
			return nil, nil, err
		}
		conns = append(conns, conn)
	}
	return func(ctx context.Context, client int) error {
		intake := intakev1.NewIntakeServiceClient(conns[client%len(conns)])
		_, err := intake.SubmitReport(ctx, sampleReport())
		if err == nil {
			e.submitted.Add(1)
		}
		return err
	}, closeConns, nil
}
