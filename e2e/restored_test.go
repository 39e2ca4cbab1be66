package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/e2e/cluster"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// restoreTest is a node whose database server is restored from a backup.
type restoreTest struct {
	*harness

	t   *testing.T
	ctx context.Context
}

const restoredNode = "cremona"

func (r *restoreTest) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// submit submits n reports and returns their ids.
func (r *restoreTest) submit(n int) (ids []string) {
	r.t.Helper()
	return r.submitAs(n, false)
}

// submitAnonymous submits n anonymous reports, whose counts wait until their day closes.
func (r *restoreTest) submitAnonymous(n int) {
	r.t.Helper()
	r.submitAs(n, true)
}

func (r *restoreTest) submitAs(n int, anonymous bool) (ids []string) {
	r.t.Helper()
	client := r.Intake(r.t, restoredNode, system("protocollo"))
	for range n {
		req := report()
		if anonymous {
			req.Content.Anonymous, req.Content.Contact = true, nil
		}
		resp, err := retry(r.ctx, client.SubmitReport, req)
		r.must(err)
		ids = append(ids, resp.GetReportId())
	}
	return ids
}

// A day that is open closes after midnight. A closed one closes every second, today too.
const (
	dayOpen   = "0s"
	dayClosed = "1s"
)

// setDay sets whether the day is closed, for the next start of intake.
func (r *restoreTest) setDay(closeEvery string) {
	r.SetEnv(restoredIntake, "PARI_CLOSE_DAY_EVERY", closeEvery)
}

// closeDay lets the counts of the anonymous reports leave, and opens the day again when so many are counted.
func (r *restoreTest) closeDay(reports int64) {
	r.t.Helper()
	for _, state := range []string{dayClosed, dayOpen} {
		r.Kill(restoredIntake)
		r.setDay(state)
		r.restartAll(restoredIntake)
		r.waitCounted(reports)
	}
}

// openCase takes a report in charge and assesses its case.
func (r *restoreTest) openCase(reportID string) (caseID string) {
	r.t.Helper()
	taken, err := retry(r.ctx, r.Intake(r.t, restoredNode, person("operator-cremona")).TakeInCharge,
		&intakev1.TakeInChargeRequest{RequestId: uuid.NewString(), ReportId: reportID, Version: 1})
	r.must(err)
	caseID = taken.GetReport().GetCaseId()
	_, err = retry(r.ctx, r.Cases(r.t, restoredNode, person("coordinator-cremona")).Assess,
		&casemanagementv1.AssessRequest{
			RequestId: uuid.NewString(), CaseId: caseID, Version: 1, Assessment: assessment(),
		})
	r.must(err)
	return caseID
}

// recordAction records an action for a case of the given version.
func (r *restoreTest) recordAction(caseID string, version int64) {
	r.t.Helper()
	_, err := retry(r.ctx, r.Cases(r.t, restoredNode, person("coordinator-cremona")).RecordAction,
		&casemanagementv1.RecordActionRequest{
			RequestId: uuid.NewString(), CaseId: caseID, Version: version, Code: "LETTER", Result: "DONE", Minutes: 30,
		})
	r.must(err)
}

// waitCounted waits until the centre counts so many reports of the node, and has applied everything it knows of.
func (r *restoreTest) waitCounted(reports int64) {
	r.t.Helper()
	reporting := r.Reporting(r.t)
	eventually(r.t, fmt.Sprint(reports, " reports at the centre"), func() bool {
		resp, err := retry(r.ctx, reporting.GetFeedStatus, &reportingv1.GetFeedStatusRequest{})
		r.must(err)
		for _, n := range resp.GetNodes() {
			if n.GetNode() != restoredNode {
				continue
			}
			for _, p := range n.GetLines() {
				if p.GetAppliedNodeSeq() != p.GetLastNodeSeq() || p.GetPending() != 0 {
					return false
				}
			}
			return n.GetReports() == reports
		}
		return false
	})
}

const restoredIntake = "intake." + restoredNode

var nodeServices = []string{restoredIntake, "casemanagement." + restoredNode}

func (r *restoreTest) killAll(names ...string) {
	for _, name := range names {
		r.Kill(name)
	}
}

func (r *restoreTest) restartAll(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.must(r.Restart(r.ctx, name))
	}
}

// copyData copies the data of the node's database server, or a part of it, or a copy back. The server must be stopped.
func (r *restoreTest) copyData(from, to string) {
	r.t.Helper()
	r.must(os.RemoveAll(to))
	out, err := exec.CommandContext(r.ctx, "cp", "-a", from, to).CombinedOutput()
	if err != nil {
		r.t.Fatalf("copy: %v: %s", err, out)
	}
}

// waitRecovered waits until the node's database server has replayed the archive and takes writes.
func (r *restoreTest) waitRecovered() {
	r.t.Helper()
	conn, err := pgx.Connect(r.ctx, r.Env("intake." + restoredNode)["PARI_DATABASE_OWNER_URL"])
	r.must(err)
	defer func() { _ = conn.Close(context.WithoutCancel(r.ctx)) }()
	eventually(r.t, "the server has recovered", func() (recovered bool) {
		r.must(conn.QueryRow(r.ctx, `select not pg_is_in_recovery()`).Scan(&recovered))
		return recovered
	})
}

// repair runs a step of the guided repair of one service, and returns what it says.
func (r *restoreTest) repair(service, step, of string) string {
	r.t.Helper()
	out, err := r.Command(r.ctx, service, "repair-feed", map[string]string{"PARI_REPAIR": step, "PARI_REPAIR_OF": of})
	r.must(err)
	r.t.Logf("%s %s:\n%s", service, step, out)
	return out
}

// compact removes the alignment of columns.
func compact(table string) string { return regexp.MustCompile(` +`).ReplaceAllString(table, " ") }

func (r *restoreTest) wantOutput(out string, lines ...string) {
	r.t.Helper()
	for _, line := range lines {
		if !strings.Contains(compact(out), line+"\n") {
			r.t.Errorf("%q is missing in: %s", line, out)
		}
	}
}

// backUp copies the database server's data while four reports are pending and the counts of three anonymous ones wait.
// Afterwards three named and two anonymous reports come in.
func (r *restoreTest) backUp(to string) {
	r.t.Helper()
	r.Kill("leaf." + restoredNode)
	r.submit(4)
	r.submitAnonymous(3)
	r.Kill("postgres.node")
	r.copyData(r.NodePostgres.Dir(), to)
	r.restartAll("postgres.node", "leaf."+restoredNode)
	r.submit(3)
	r.submitAnonymous(2)
}

// restoreAlone restores a backup without WAL, and calls submit before the link is back.
func (r *restoreTest) restoreAlone(backup string, submit func()) {
	r.t.Helper()
	r.killAll(append(nodeServices, "postgres.node", "leaf."+restoredNode)...)
	r.copyData(backup, r.NodePostgres.Dir())
	r.restartAll(append([]string{"postgres.node"}, nodeServices...)...)
	submit()
	r.restartAll("leaf." + restoredNode)
}

// waitPartitionStopped waits until a service has logged so often that it stopped its partition.
func (r *restoreTest) waitPartitionStopped(service string, times int) {
	r.t.Helper()
	eventually(r.t, service+" stops", func() bool {
		log, err := r.Log(service)
		r.must(err)
		return strings.Count(log, `"partition stopped"`) >= times
	})
}

// Ensure a node that is restored from a backup loses nothing. With the archived WAL no report is lost. From the backup
// alone the node stops before it draws a number; after the guided repair its pending events count once, what only the
// centre counted is listed and withdrawn, and a case that was restored in an older state goes on. Anonymous reports
// count once too, whether their day closes before or after the repair.
func TestRestored(t *testing.T) {
	ctx := t.Context()
	started := cluster.Start(t, cluster.Options{
		Nodes: []string{restoredNode}, Durable: true, Settings: map[string]string{"PARI_CLOSE_DAY_EVERY": dayOpen},
	})
	r := &restoreTest{harness: &harness{started}, t: t, ctx: ctx}
	data := r.NodePostgres.Dir()
	beside := func(name string) string { return filepath.Join(filepath.Dir(data), name) }
	backup, archive := beside("backup"), beside("archive")

	ids := r.submit(5)
	caseID := r.openCase(ids[0])
	r.waitCounted(5)
	r.backUp(backup)
	r.recordAction(caseID, 2)
	r.waitCounted(12)
	r.closeDay(17)

	t.Run("archived WAL", func(t *testing.T) {
		r := &restoreTest{r.harness, t, ctx}
		r.submitAnonymous(2)
		r.killAll(append(nodeServices, "postgres.node")...)
		r.copyData(filepath.Join(data, "pg_wal"), archive)
		r.copyData(data, beside("latest"))
		r.copyData(backup, data)
		r.must(os.WriteFile(filepath.Join(data, "recovery.signal"), nil, 0o600))
		settings, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
		r.must(err)
		_, err = fmt.Fprintf(settings, "restore_command = 'cp %s/%%f \"%%p\"'\n", archive)
		r.must(err)
		r.must(settings.Close())
		r.restartAll("postgres.node")
		r.waitRecovered()
		r.restartAll(nodeServices...)
		if n := len(r.ListReports(t, restoredNode)); n != 19 {
			t.Errorf("%d reports were restored, want 19", n)
		}
		r.submit(1)
		r.waitCounted(18)
		r.closeDay(20)
		r.waitReconciled(t, []string{restoredNode})
	})

	t.Run("backup alone", func(t *testing.T) {
		r := &restoreTest{r.harness, t, ctx}
		r.restoreAlone(backup, func() {
			r.submit(2)
			r.submitAnonymous(1)
			r.recordAction(caseID, 2)
		})
		for _, service := range nodeServices {
			r.waitPartitionStopped(service, 1)
		}
		r.waitStopped(20)
		plan := r.repair(restoredIntake, "", "")
		r.wantOutput(plan, "centre has up to 20", "pending here, counted there 4",
			"pending here, numbered again 2", "only at the centre 11")
		r.wantOutput(r.repair(restoredIntake, "apply", ""), "only at the centre 11",
			"continued after the centre's events 3")
		r.waitStopped(22)
		r.wantOutput(r.repair("casemanagement."+restoredNode, "apply", ""), "only at the centre 1",
			"continued after the centre's events 1", "pending here, numbered again 1")
		r.wantOutput(r.repair(restoredIntake, "withdraw", "all"), "withdraw: 8")
		r.waitCounted(14)
		r.closeDay(15)
		r.waitReconciled(t, []string{restoredNode})
	})

	t.Run("backup alone, and the day has closed", func(t *testing.T) {
		r := &restoreTest{r.harness, t, ctx}
		r.backUp(backup)
		r.waitCounted(22)
		r.closeDay(27)
		r.setDay(dayClosed)
		r.restoreAlone(backup, func() {
			r.submit(2)
			r.submitAnonymous(1)
		})
		r.waitPartitionStopped(restoredIntake, 2)
		eventually(t, "the counts of the anonymous reports are pending", func() bool {
			return strings.Contains(compact(r.repair(restoredIntake, "", "")), "numbered again 6\n")
		})
		r.wantOutput(r.repair(restoredIntake, "apply", ""), "pending here, counted there 4",
			"pending here, numbered again 6", "only at the centre 8", "continued after the centre's events 3")
		r.waitStopped(30)
		r.wantOutput(r.repair(restoredIntake, "withdraw", "all"), "withdraw: 5")
		r.waitCounted(25)
		if n := len(r.ListReports(t, restoredNode)); n != 25 {
			t.Errorf("the node has %d reports, want 25", n)
		}
		r.waitReconciled(t, []string{restoredNode})
	})
}

// waitStopped waits until the centre counts so many reports of the node, whatever the node has pending.
func (r *restoreTest) waitStopped(reports int64) {
	r.t.Helper()
	reporting := r.Reporting(r.t)
	eventually(r.t, fmt.Sprint(reports, " reports at the centre"), func() bool {
		resp, err := retry(r.ctx, reporting.GetFeedStatus, &reportingv1.GetFeedStatusRequest{})
		r.must(err)
		for _, n := range resp.GetNodes() {
			if n.GetNode() == restoredNode {
				return n.GetReports() == reports
			}
		}
		return false
	})
}

// copyDirectory copies the database of the centre's directory, or the copy back, while the directory is stopped.
func (r *restoreTest) copyDirectory(statements ...string) {
	r.t.Helper()
	r.Kill("directory")
	conn, err := pgx.Connect(r.ctx, r.CentrePostgres.URL(pglocal.Superuser, "postgres"))
	r.must(err)
	defer func() { _ = conn.Close(context.WithoutCancel(r.ctx)) }()
	for _, sql := range statements {
		_, err := conn.Exec(r.ctx, sql)
		r.must(err)
	}
	r.restartAll("directory")
	directory := r.Directory(r.t, "centre", system("console"))
	eventually(r.t, "the directory serves", func() bool {
		_, err := directory.GetDirectoryStatus(r.ctx, &directoryv1.GetDirectoryStatusRequest{})
		return err == nil
	})
}

// Ensure a directory that is restored from a backup stops before it draws a number, and that after the repair reporting
// has what the directory has now: what was lost since the backup is not counted, what was entered after it is.
func TestRestored_Directory(t *testing.T) {
	r := &restoreTest{harness: &harness{cluster.Start(t, cluster.Options{})}, t: t, ctx: t.Context()}
	hours := func(n int32) func(*directoryv1.Entry) {
		return func(e *directoryv1.Entry) { e.GetCourse().Modules[0].Hours = n }
	}
	year := time.Now().Format("2006")
	held := func(code string) func(*directoryv1.Entry) {
		return func(e *directoryv1.Entry) {
			c := e.GetCourse()
			c.Editions = append(c.Editions, &directoryv1.Edition{
				Code: code, From: year + "-01-01", To: year + "-01-01",
				Attendance: []*directoryv1.Attendance{{Participant: "MUNICIPAL_STAFF", Persons: 14}},
			})
		}
	}
	r.edit(t, "course", "formazione-cremona", held("prova"))
	r.waitTablesMatch(t, "at the start")
	r.copyDirectory(`create database directory_backup template directory`)
	r.edit(t, "course", "formazione-cremona", hours(9))
	r.edit(t, "course", "formazione-cremona", held("persa"))
	r.waitTablesMatch(t, "before the loss")

	r.copyDirectory(`drop database directory with (force)`, `alter database directory_backup rename to directory`)
	r.edit(t, "course", "formazione-cremona", hours(11))
	r.waitPartitionStopped("directory", 1)
	r.wantOutput(r.repair("directory", "", ""), "partition lombardia/centre/directory", "only at the centre 2",
		"pending here, numbered again 1", "nothing to repair")
	out := r.repair("directory", "apply", "")
	r.wantOutput(out, "continued after the centre's events 1")
	if strings.Contains(out, "decide") {
		t.Errorf("there is something to decide: %s", out)
	}
	r.waitTablesMatch(t, "after the repair")
	r.edit(t, "course", "formazione-cremona", hours(12))
	r.waitTablesMatch(t, "after another change")
	if got := r.table(t, "T14", "lombardia")["TRAINING_HOURS cremona"]; got != 12 {
		t.Errorf("%d hours of training are counted, want 12", got)
	}
}
