package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/rpc"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// sample is a report of the usual length.
func sample() *intakev1.SubmitReportRequest {
	return &intakev1.SubmitReportRequest{
		RequestId: uuid.NewString(),
		Content: &intakev1.ReportContent{
			Channel: "DESK", ReporterRole: "VICTIM", Grounds: []string{"SKIN_COLOUR", "NATIONALITY"}, Wish: "HELP", IncidentPlace: "019036",
			IncidentDate: &recordv1.PartialDate{Year: 2026, Month: 3, Day: 7}, Language: "it", NoticeVersion: "2026-01",
			Narrative: strings.Repeat("Al negozio hanno servito tutti gli altri prima di noi. ", 12),
			Contact:   &intakev1.Contact{Name: "Nome Inventato", Phone: "0372 000000", Email: "persona@example.it", SafeContact: "dopo le 18"},
			Consents:  []*intakev1.Consent{{Code: "C_CONTACT", Status: "GIVEN"}, {Code: "C_WORK", Status: "GIVEN"}},
		},
	}
}

// submit measures reports per second over the full road: mutual TLS, validation, sealing, receipt, outbox.
func submit(ctx context.Context, w *world, clients int) (Result, error) {
	connections := min(clients, 4)
	server, client, err := floorTLS(w)
	if err != nil {
		return Result{}, err
	}
	insert, err := inserting(ctx, w.floors)
	if err != nil {
		return Result{}, err
	}
	floor, err := startFloor(ctx, insert, server, client, connections)
	if err != nil {
		return Result{}, err
	}
	defer floor.stop()
	ours, hangUp, err := w.submitter(connections)
	if err != nil {
		return Result{}, err
	}
	defer hangUp()
	body, err := proto.Marshal(sample())
	if err != nil {
		return Result{}, fmt.Errorf("sample: %w", err)
	}
	theirs := func(ctx context.Context, client int) error { return floor.call(ctx, client, body) }
	for _, warm := range []func(context.Context, int) error{ours, theirs} {
		if _, err := closedLoop(ctx, clients, w.span/2, warm); err != nil {
			return Result{}, err
		}
	}
	o, f, latencies, err := alternate(w.rounds,
		func() (round, error) { return closedLoop(ctx, clients, w.span, ours) },
		func() (round, error) {
			// What our last round has left to the feed must not weigh on the floor.
			if err := w.settle(ctx); err != nil {
				return round{}, err
			}
			return closedLoop(ctx, clients, w.span, theirs)
		})
	if err != nil {
		return Result{}, err
	}
	feed := "the feed at rest: events stay in the outbox"
	if w.kind == feeding {
		feed = "relay and centre work on beside ours, the feed is at rest beside the floor"
	}
	return Result{
		Unit: "reports/s", Ours: o, Floor: f, P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("%d clients in a closed loop over %d connections, %d rounds of %s each in turns after %s of warm-up, medians; requests of %d bytes; ours: database pool of the service as it comes; floor: gRPC over mutual TLS and one insert of the same bytes, pool of %d; %s",
			clients, connections, w.rounds, w.span, w.span/2, len(body), floorPool, feed),
	}, nil
}

// submitter returns a call that submits one report, each client over its share of so many connections.
func (w *world) submitter(connections int) (call func(context.Context, int) error, hangUp func(), err error) {
	var conns []*grpc.ClientConn
	hangUp = func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	for range connections {
		conn, err := w.net.Client().Conn("intake.cremona", "protocollo.cremona", "")
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		conns = append(conns, conn)
	}
	return func(ctx context.Context, client int) error {
		_, err := intakev1.NewIntakeServiceClient(conns[client%len(conns)]).SubmitReport(ctx, sample())
		if err == nil {
			w.sent.Add(1)
		}
		return err
	}, hangUp, nil
}

// floorTLS is mutual TLS with the certificates that the network has issued.
func floorTLS(w *world) (server, client *tls.Config, err error) {
	service, err := identity.LoadSource(w.net.IdentityDir("intake.cremona"))
	if err != nil {
		return nil, nil, err
	}
	system, err := identity.LoadSource(w.net.IdentityDir("protocollo.cremona"))
	if err != nil {
		return nil, nil, err
	}
	return service.StrictServerTLS(), system.ClientTLS(rpc.Service("intake", "cremona")), nil
}
