package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/e2e/cluster"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// acknowledged is what a submitting system was told and wrote down.
type acknowledged struct {
	request *intakev1.SubmitReportRequest
	answer  *intakev1.SubmitReportResponse
}

// insist calls until it is answered, as a client with safe retries does: only what says "not now" is tried again.
func insist[Q, A any](ctx context.Context, call func(context.Context, Q) (A, error), req Q) (A, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		answer, err := call(attempt, req)
		cancel()
		switch status.Code(err) {
		case codes.OK:
			return answer, nil
		case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
			select {
			case <-ctx.Done():
				return answer, fmt.Errorf("never answered: %w", err)
			case <-time.After(100 * time.Millisecond):
			}
		default:
			return answer, err
		}
	}
}

// Ensure that kill -9 of any part, at any moment, loses nothing that was acknowledged and doubles nothing: 2,000 reports are
// submitted and every tenth is worked to its end while intake, case management, reporting, the broker and Postgres are
// killed in turns.
func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	reports, nodes := 2000, []string{"cremona", "cuneo"}
	if os.Getenv("PARI_SOAK") != "" {
		reports = 40_000
	}
	c := cluster.Start(t, cluster.Options{Nodes: nodes, Durable: true})
	n := &net{c}
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()

	var submitted atomic.Int64
	book := make([]acknowledged, reports)
	var faults []string
	stop := make(chan struct{})
	var nemesis sync.WaitGroup
	nemesis.Go(func() {
		if err := killBetweenPublishAndMark(ctx, c, "intake.cuneo"); err != nil {
			t.Errorf("kill intake.cuneo between publish and mark: %v", err)
			return
		}
		faults = append(faults, "intake.cuneo between publish and mark")
		victims := []string{"intake.cremona", "casemanagement.cremona", "reporting", "hub", "postgres.node", "intake.cuneo", "leaf.cremona", "postgres.centre", "casemanagement.cuneo"}
		for round := 0; ; round++ {
			// Each fault waits for progress, not for time, so that every one hits a system at work.
			due := int64((round + 1) * reports / (len(victims) + 3))
			if !waitFor(stop, func() bool { return submitted.Load() >= min(due, int64(reports*9/10)) }) {
				return
			}
			if round >= len(victims) && submitted.Load() >= int64(reports*9/10) {
				return
			}
			victim := victims[round%len(victims)]
			if round >= len(victims) {
				victim = victims[random.IntN(len(victims))]
			}
			faults = append(faults, victim)
			c.Kill(victim)
			if err := c.Restart(ctx, victim); err != nil {
				t.Errorf("restart %s: %v", victim, err)
				return
			}
		}
	})

	clients := map[string]intakev1.IntakeServiceClient{}
	for _, node := range nodes {
		clients[node] = n.Intake(t, node, system("protocollo"))
	}
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(16)
	for i := range reports {
		work.Go(func() error {
			node := nodes[i%len(nodes)]
			req := report()
			req.Content.Narrative = fmt.Sprintf("Racconto numero %d.", i)
			answer, err := insist(workCtx, func(ctx context.Context, r *intakev1.SubmitReportRequest) (*intakev1.SubmitReportResponse, error) {
				return clients[node].SubmitReport(ctx, r)
			}, req)
			if err != nil {
				return fmt.Errorf("report %d: %w", i, err)
			}
			book[i] = acknowledged{req, answer}
			submitted.Add(1)
			if i%10 == 0 {
				return workCase(workCtx, t, n, node, answer.GetReportId())
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	close(stop)
	nemesis.Wait()
	t.Logf("faults: %v", faults)
	if len(faults) < 9 {
		t.Errorf("only %d faults were injected", len(faults))
	}

	// Every acknowledgement holds: the same request gets the same answer.
	for i, a := range book {
		if i%7 != 0 {
			continue
		}
		again, err := insist(ctx, func(ctx context.Context, r *intakev1.SubmitReportRequest) (*intakev1.SubmitReportResponse, error) {
			return clients[nodes[i%len(nodes)]].SubmitReport(ctx, r)
		}, a.request)
		if err != nil || !again.GetReplayed() || again.GetReportId() != a.answer.GetReportId() || again.GetReceiptCode() != a.answer.GetReceiptCode() {
			t.Fatalf("report %d was acknowledged as %s and is now %v, %v", i, a.answer.GetNumber(), again, err)
		}
	}
	// Every acknowledged report is there, once, and nothing else.
	for at, node := range nodes {
		ids := map[string]int{}
		for _, r := range n.Reports(t, node) {
			ids[r.GetReportId()]++
		}
		want := 0
		for i := at; i < reports; i += len(nodes) {
			want++
			if ids[book[i].answer.GetReportId()] != 1 {
				t.Errorf("report %s is there %d times", book[i].answer.GetNumber(), ids[book[i].answer.GetReportId()])
			}
		}
		if len(ids) != want {
			t.Errorf("%s holds %d reports, acknowledged were %d", node, len(ids), want)
		}
	}
	n.agree(t, nodes)
}

// killBetweenPublishAndMark kills a service after the hub has acknowledged an event and before the relay has stored that,
// and starts it again. A trigger holds the relay's update until the kill.
func killBetweenPublishAndMark(ctx context.Context, c *cluster.Cluster, service string) error {
	owner, err := pgx.Connect(ctx, c.Env(service)["PARI_DATABASE_OWNER_URL"])
	if err != nil {
		return err
	}
	defer func() { _ = owner.Close(context.WithoutCancel(ctx)) }()
	const hold = `select pg_advisory_lock(1);
		create function hold_mark() returns trigger language plpgsql as $$ begin perform pg_advisory_lock(1); return new; end $$;
		create trigger hold_mark before update on outbox_partition for each row when (new.published_seq > old.published_seq) execute function hold_mark()`
	if _, err := owner.Exec(ctx, hold); err != nil {
		return err
	}
	for waiting := false; !waiting; {
		const blocked = `select exists (select from pg_locks where locktype = 'advisory' and objid = 1 and not granted)`
		if err := owner.QueryRow(ctx, blocked).Scan(&waiting); err != nil {
			return err
		}
	}
	c.Kill(service)
	if _, err := owner.Exec(ctx, `select pg_advisory_unlock(1)`); err != nil {
		return err
	}
	if _, err := owner.Exec(ctx, `drop trigger hold_mark on outbox_partition; drop function hold_mark`); err != nil {
		return err
	}
	return c.Restart(ctx, service)
}

// workCase takes a report in charge and works its case to the end, retrying each step until it is answered.
func workCase(ctx context.Context, t *testing.T, n *net, node, reportID string) error {
	desk := n.Intake(t, node, person("operator-"+node))
	take := &intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: reportID, Version: 1}
	taken, err := insist(ctx, func(ctx context.Context, r *intakev1.TakeInChargeRequest) (*intakev1.TakeInChargeResponse, error) {
		return desk.TakeInCharge(ctx, r)
	}, take)
	if err != nil {
		return fmt.Errorf("take in charge: %w", err)
	}
	cases := n.Casework(t, node, person("coordinator-"+node))
	id := taken.GetReport().GetCaseId()
	assessed, err := insist(ctx, func(ctx context.Context, r *casemanagementv1.AssessRequest) (*casemanagementv1.AssessResponse, error) {
		return cases.Assess(ctx, r)
	}, &casemanagementv1.AssessRequest{RequestId: uuid.NewString(), CaseId: id, Version: 1, Assessment: assessment()})
	if err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	acted, err := insist(ctx, func(ctx context.Context, r *casemanagementv1.RecordActionRequest) (*casemanagementv1.RecordActionResponse, error) {
		return cases.RecordAction(ctx, r)
	}, &casemanagementv1.RecordActionRequest{RequestId: uuid.NewString(), CaseId: id, Version: assessed.GetCase().GetVersion(), Code: "LETTER", Result: "DONE", Minutes: 30})
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	if _, err = insist(ctx, func(ctx context.Context, r *casemanagementv1.CloseCaseRequest) (*casemanagementv1.CloseCaseResponse, error) {
		return cases.CloseCase(ctx, r)
	}, &casemanagementv1.CloseCaseRequest{RequestId: uuid.NewString(), CaseId: id, Version: acted.GetCase().GetVersion(), Outcome: "REMOVED_SPONTANEOUS"}); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// waitFor polls until the condition holds; false when stop came first.
func waitFor(stop <-chan struct{}, holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-stop:
			return holds()
		case <-tick.C:
		}
	}
	return true
}

// assessment is one that holds.
func assessment() *casemanagementv1.Assessment {
	return &casemanagementv1.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SKIN_COLOUR"}, MainGround: "SKIN_COLOUR", Type: "DIRECT", Field: "PUBLIC_VENUE",
		AuthorKinds: []string{"BUSINESS"}, EventPlace: "019036", Residence: "019036", Sensitivity: "S3",
	}
}
