package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/retepari/pari/e2e/cluster"
	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// crashTest submits reports to a cluster while parts of it are killed.
type crashTest struct {
	*harness

	nodes   []string
	clients map[string]intakev1.IntakeServiceClient // by node
	// acknowledged holds request and response of each report, by its index.
	acknowledged []acknowledgement
	submitted    atomic.Int64
}

// acknowledgement is a report that the service has confirmed.
type acknowledgement struct {
	req  *intakev1.SubmitReportRequest
	resp *intakev1.SubmitReportResponse
}

// Ensure that kill -9 of any part at any time loses nothing that was acknowledged and duplicates nothing: 2,000 reports
// are submitted and every tenth becomes a case that is closed, while intake, case management, reporting, the broker and
// Postgres are killed in turns.
func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	reports := 2000
	if os.Getenv("PARI_SOAK") != "" {
		reports = 40_000
	}
	nodes := []string{"cremona", "cuneo"}
	c := &crashTest{
		harness: &harness{cluster.Start(t, cluster.Options{Nodes: nodes, Durable: true})}, nodes: nodes,
		clients: map[string]intakev1.IntakeServiceClient{}, acknowledged: make([]acknowledgement, reports),
	}
	for _, node := range nodes {
		c.clients[node] = c.Intake(t, node, system("protocollo"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()

	stop, faults := make(chan struct{}), make(chan []string)
	go func() { faults <- c.injectFaults(ctx, t, rand.New(rand.NewPCG(seed, 0)), stop) }()
	err := c.submitAll(ctx, t)
	close(stop)
	injected := <-faults
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("faults: %v", injected)
	if len(injected) < 9 {
		t.Errorf("only %d faults were injected", len(injected))
	}
	c.checkReplays(ctx, t)
	c.checkStored(t)
	c.waitReconciled(t, nodes)
}

// injectFaults kills and restarts one part after the other until stop is closed, and returns what it has killed. Each
// fault waits for progress, not for time, so that it hits a system under load.
func (c *crashTest) injectFaults(ctx context.Context, t *testing.T, random *rand.Rand, stop <-chan struct{}) []string {
	if err := c.killBetweenPublishAndStore(ctx, "intake.cuneo", "cuneo", stop); err != nil {
		t.Errorf("kill intake.cuneo between publish and store: %v", err)
		return nil
	}
	faults := []string{"intake.cuneo between publish and store"}
	targets := []string{
		"intake.cremona", "casemanagement.cremona", "reporting", "hub", "postgres.node", "intake.cuneo", "leaf.cremona",
		"postgres.centre", "casemanagement.cuneo",
	}
	reports := len(c.acknowledged)
	lastFault := int64(reports * 9 / 10)
	for n := 0; ; n++ {
		due := min(int64((n+1)*reports/(len(targets)+3)), lastFault)
		if !waitFor(stop, func() bool { return c.submitted.Load() >= due }) {
			return faults
		}
		if n >= len(targets) && c.submitted.Load() >= lastFault {
			return faults
		}
		target := targets[n%len(targets)]
		if n >= len(targets) {
			target = targets[random.IntN(len(targets))]
		}
		faults = append(faults, target)
		c.Kill(target)
		if err := c.Restart(ctx, target); err != nil {
			t.Errorf("restart %s: %v", target, err)
			return faults
		}
	}
}

// submitAll submits all reports to the nodes in turns, and works the case of every tenth.
func (c *crashTest) submitAll(ctx context.Context, t *testing.T) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range c.acknowledged {
		g.Go(func() error {
			node := c.node(i)
			req := report()
			req.Content.Narrative = fmt.Sprintf("Racconto numero %d.", i)
			resp, err := retry(ctx, c.clients[node].SubmitReport, req)
			if err != nil {
				return fmt.Errorf("report %d: %w", i, err)
			}
			c.acknowledged[i] = acknowledgement{req, resp}
			c.submitted.Add(1)
			if i%10 == 0 {
				return c.workCase(ctx, t, node, resp.GetReportId())
			}
			return nil
		})
	}
	return g.Wait()
}

// node returns the node of the i-th report.
func (c *crashTest) node(i int) string { return c.nodes[i%len(c.nodes)] }

// checkReplays sends every seventh request again: the response must be the acknowledged one.
func (c *crashTest) checkReplays(ctx context.Context, t *testing.T) {
	t.Helper()
	for i, a := range c.acknowledged {
		if i%7 != 0 {
			continue
		}
		resp, err := retry(ctx, c.clients[c.node(i)].SubmitReport, a.req)
		if err != nil || !resp.GetReplayed() || resp.GetReportId() != a.resp.GetReportId() ||
			resp.GetReceiptCode() != a.resp.GetReceiptCode() {
			t.Fatalf("report %d was acknowledged as %s and is now %v, %v", i, a.resp.GetNumber(), resp, err)
		}
	}
}

// checkStored checks that each node holds its acknowledged reports once, and no other.
func (c *crashTest) checkStored(t *testing.T) {
	t.Helper()
	for first, node := range c.nodes {
		countByID := map[string]int{}
		for _, r := range c.ListReports(t, node) {
			countByID[r.GetReportId()]++
		}
		want := 0
		for i := first; i < len(c.acknowledged); i += len(c.nodes) {
			want++
			resp := c.acknowledged[i].resp
			if n := countByID[resp.GetReportId()]; n != 1 {
				t.Errorf("report %s is stored %d times", resp.GetNumber(), n)
			}
		}
		if len(countByID) != want {
			t.Errorf("%s holds %d reports, %d were acknowledged", node, len(countByID), want)
		}
	}
}

const (
	// blockPublishedOffset lets the relay's update of published_seq wait for the advisory lock of this session.
	blockPublishedOffset = `select pg_advisory_lock(1);
		create function block_published_offset() returns trigger language plpgsql
			as $$ begin perform pg_advisory_lock(1); return new; end $$;
		create trigger block_published_offset before update on outbox_partition for each row
			when (new.published_seq > old.published_seq) execute function block_published_offset()`
	selectBlocked = `select exists (select from pg_locks where locktype = 'advisory' and objid = 1 and not granted)`
	releaseLock   = `select pg_advisory_unlock(1)`
	dropTrigger   = `drop trigger block_published_offset on outbox_partition; drop function block_published_offset`
)

// killBetweenPublishAndStore kills a node's service after the hub has acknowledged an event and before the relay has
// stored the offset, and restarts it.
func (c *crashTest) killBetweenPublishAndStore(
	ctx context.Context, service, node string, stop <-chan struct{},
) error {
	owner, err := pgx.Connect(ctx, c.Env(service)["PARI_DATABASE_OWNER_URL"])
	if err != nil {
		return err
	}
	defer func() { _ = owner.Close(context.WithoutCancel(ctx)) }()
	if _, err := owner.Exec(ctx, blockPublishedOffset); err != nil {
		return err
	}
	blocked := func() (blocked bool) {
		err = owner.QueryRow(ctx, selectBlocked).Scan(&blocked)
		return blocked || err != nil
	}
	if !waitFor(stop, blocked) {
		err = errors.New("the relay has not published")
	}
	if err != nil {
		return err
	}
	var before, after int64
	if before, err = publishedOffset(ctx, owner, c.Client().Tenants[node]); err != nil {
		return err
	}
	c.Kill(service)
	for _, statement := range []string{releaseLock, dropTrigger} {
		if _, err := owner.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if after, err = publishedOffset(ctx, owner, c.Client().Tenants[node]); err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("the offset went from %d to %d: it was stored after the kill", before, after)
	}
	return c.Restart(ctx, service)
}

// publishedOffset reads how far the database knows that a node's events were published.
func publishedOffset(ctx context.Context, conn *pgx.Conn, t tenant.ID) (n int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SetTenant, t); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select published_seq from outbox_partition`).Scan(&n)
	})
	return n, err
}

// workCase takes a report in charge and works its case until it is closed. It retries each step.
func (c *crashTest) workCase(ctx context.Context, t *testing.T, node, reportID string) error {
	intake := c.Intake(t, node, person("operator-"+node))
	taken, err := retry(ctx, intake.TakeInCharge, &intakev1.TakeInChargeRequest{
		RequestId: uuid.NewString(), ReportId: reportID, Version: 1,
	})
	if err != nil {
		return fmt.Errorf("take in charge: %w", err)
	}
	cases := c.Cases(t, node, person("coordinator-"+node))
	id := taken.GetReport().GetCaseId()
	assessed, err := retry(ctx, cases.Assess, &casemanagementv1.AssessRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: 1, Assessment: assessment(),
	})
	if err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	acted, err := retry(ctx, cases.RecordAction, &casemanagementv1.RecordActionRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: assessed.GetCase().GetVersion(),
		Code: "LETTER", Result: "DONE", Minutes: 30,
	})
	if err != nil {
		return fmt.Errorf("record action: %w", err)
	}
	_, err = retry(ctx, cases.CloseCase, &casemanagementv1.CloseCaseRequest{
		RequestId: uuid.NewString(), CaseId: id, Version: acted.GetCase().GetVersion(), Outcome: "REMOVED_SPONTANEOUS",
	})
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// waitFor polls until the condition holds. It returns false when stop was closed before that.
func waitFor(stop <-chan struct{}, condition func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-stop:
			return condition()
		case <-tick.C:
		}
	}
	return true
}

// assessment returns a valid assessment.
func assessment() *casemanagementv1.Assessment {
	return &casemanagementv1.Assessment{
		Verdict: "PERTINENT_LEGAL", Grounds: []string{"SKIN_COLOUR"}, MainGround: "SKIN_COLOUR", Type: "DIRECT",
		Field: "PUBLIC_VENUE", AuthorKinds: []string{"BUSINESS"}, EventPlace: "019036", Residence: "019036",
		Sensitivity: "S3",
	}
}
