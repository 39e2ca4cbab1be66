package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/identity"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

const (
	rounds = 5
	span   = 2 * time.Second
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
	server, client, err := floorTLS(w.net.Identity("intake.cremona"))
	if err != nil {
		return Result{}, err
	}
	floor, err := startFloor(ctx, w.floors, server, client)
	if err != nil {
		return Result{}, err
	}
	defer floor.stop()
	conn, err := w.net.Access().Conn("intake.cremona", "protocollo.cremona", "")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = conn.Close() }()
	ours := oursCall(conn)
	body, err := proto.Marshal(sample())
	if err != nil {
		return Result{}, fmt.Errorf("sample: %w", err)
	}
	theirs := func(ctx context.Context, _ int) error { return floor.insert(ctx, body) }
	for _, warm := range []func(context.Context, int) error{ours, theirs} {
		if _, err := closedLoop(ctx, clients, span/2, warm); err != nil {
			return Result{}, err
		}
	}
	o, f, latencies, err := alternate(rounds,
		func() (round, error) { return closedLoop(ctx, clients, span, ours) },
		func() (round, error) { return closedLoop(ctx, clients, span, theirs) })
	if err != nil {
		return Result{}, err
	}
	return Result{
		Unit: "reports/s", Ours: o, Floor: f, P50: percentile(latencies, 50), P95: percentile(latencies, 95), P99: percentile(latencies, 99),
		Conditions: fmt.Sprintf("%d clients in a closed loop over one connection, %d rounds of %s each, medians; %d bytes; floor: gRPC over TLS and one insert of the same bytes", clients, rounds, span, len(body)),
	}, nil
}

func oursCall(conn *grpc.ClientConn) func(context.Context, int) error {
	intake := intakev1.NewIntakeServiceClient(conn)
	return func(ctx context.Context, _ int) error {
		_, err := intake.SubmitReport(ctx, sample())
		return err
	}
}

// floorTLS is the floor's own TLS: a server's certificate, and a client that trusts its authority.
func floorTLS(dir string) (server, client *tls.Config, err error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, identity.CertFile), filepath.Join(dir, identity.KeyFile))
	if err != nil {
		return nil, nil, fmt.Errorf("floor: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, identity.CAFile))
	if err != nil {
		return nil, nil, fmt.Errorf("floor: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, nil
}
