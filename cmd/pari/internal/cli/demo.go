package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/retepari/pari/cmd/pari/network"
	"github.com/retepari/pari/cmd/pari/story"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// account compares what a node holds with what the centre counts.
type account struct {
	Node    string `json:"node"`
	Reports int64  `json:"reports"`
	Cases   int64  `json:"cases"`
	Sent    int64  `json:"events_sent"`
	Applied int64  `json:"events_applied"`
	// Lost is what the node holds or has sent and the centre has not counted, Doubled what the centre counts beyond it.
	Lost    int64 `json:"lost"`
	Doubled int64 `json:"doubled"`
}

type accounts []account

func (a accounts) settled() bool {
	for _, n := range a {
		if n.Lost != 0 || n.Doubled != 0 {
			return false
		}
	}
	return len(a) > 0
}

// errDisagree ends a demo whose figures do not agree.
var errDisagree = errors.New("centre and nodes do not agree")

func (c *cli) demo() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Check that the centre counts what the nodes hold", Args: cobra.NoArgs,
		Long: "Compares what each node holds with what the centre counts, on the network that runs in --dir; where none runs, on one that it starts in a folder of its own, tells the stories, and stops. Fails when they disagree.",
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runDemo(cmd.Context()) },
	}
}

func (c *cli) runDemo(ctx context.Context) (err error) {
	a, err := network.ReadAccess(c.dir)
	if err != nil || !network.Running(c.dir) {
		dir, err := os.MkdirTemp("", "pari-demo-")
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		n, err := network.Start(ctx, network.Options{Dir: dir, Nodes: network.All(), Version: buildVersion(), Progress: c.progress})
		if err != nil {
			return err
		}
		defer func() {
			stopped, cancel := context.WithCancel(ctx)
			cancel()
			err = errors.Join(err, n.Wait(stopped))
		}()
		for _, s := range story.All() {
			c.progress(fmt.Sprintf("story %d, %s (%s)", s.Number, s.Title, s.Node))
			if err := story.Tell(ctx, n.Access(), s); err != nil {
				return err
			}
		}
		return c.compare(ctx, n.Access())
	}
	return c.compare(ctx, a)
}

func (c *cli) compare(ctx context.Context, a network.Access) error {
	found, err := settle(ctx, a)
	if err != nil {
		return err
	}
	if c.format == "json" {
		err = c.compareJSON(ctx, a, found)
	} else {
		t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "NODE\tREPORTS\tCASES\tSENT\tAPPLIED\tLOST\tDOUBLED")
		for _, n := range found {
			_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", n.Node, n.Reports, n.Cases, n.Sent, n.Applied, n.Lost, n.Doubled)
		}
		err = errors.Join(t.Flush(), c.showTables(ctx, a))
	}
	if err == nil && !found.settled() {
		err = errDisagree
	}
	return err
}

func (c *cli) compareJSON(ctx context.Context, a network.Access, found accounts) error {
	conn, err := analyst(ctx, a)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reporting := reportingv1.NewReportingServiceClient(conn)
	list, err := reporting.ListTables(ctx, &reportingv1.ListTablesRequest{})
	if err != nil {
		return err
	}
	var tables []json.RawMessage
	for _, region := range []string{"lombardia", "piemonte"} {
		for _, t := range list.GetTables() {
			answer, err := reporting.GetTable(ctx, &reportingv1.GetTableRequest{Table: t.GetCode(), Region: region, Year: int32(time.Now().Year())})
			if err != nil {
				return err
			}
			raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(answer.GetTable())
			if err != nil {
				return fmt.Errorf("demo: %w", err)
			}
			tables = append(tables, raw)
		}
	}
	out := json.NewEncoder(c.out)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{"nodes": found, "tables": tables})
}

func analyst(ctx context.Context, a network.Access) (*grpc.ClientConn, error) {
	token, _, err := a.Login(ctx, "analyst")
	if err != nil {
		return nil, err
	}
	return a.Conn("reporting", "console.centre", token)
}

// settle compares nodes and centre until they agree, for at most twenty seconds, and returns the last comparison.
func settle(ctx context.Context, a network.Access) (accounts, error) {
	conn, err := analyst(ctx, a)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	held, err := holdings(ctx, a)
	if err != nil {
		return nil, err
	}
	late := time.After(20 * time.Second)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := reportingv1.NewReportingServiceClient(conn).GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
		if err != nil {
			return nil, err
		}
		found := compare(held, status)
		if found.settled() {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late:
			return found, nil
		case <-tick.C:
		}
	}
}

func compare(held accounts, status *reportingv1.GetFeedStatusResponse) accounts {
	var out accounts
	for _, h := range held {
		for _, n := range status.GetNodes() {
			if n.GetNode() != h.Node {
				continue
			}
			for _, l := range n.GetLines() {
				h.Sent += l.GetLastNodeSeq()
				h.Applied += l.GetAppliedNodeSeq()
			}
			h.Lost = max(0, h.Reports-n.GetReports()) + max(0, h.Cases-n.GetCases()) + max(0, h.Sent-h.Applied)
			h.Doubled = max(0, n.GetReports()-h.Reports) + max(0, n.GetCases()-h.Cases)
		}
		if h.Applied == 0 {
			h.Lost = h.Reports + h.Cases
		}
		out = append(out, h)
	}
	return out
}

// holdings counts what each node holds, page by page, as its own operator sees it.
func holdings(ctx context.Context, a network.Access) (accounts, error) {
	var all accounts
	for _, node := range a.Nodes {
		h := account{Node: node}
		token, _, err := a.Login(ctx, "operator-"+node)
		if err != nil {
			return nil, err
		}
		err = pages(a, "intake."+node, token, func(conn *grpc.ClientConn, page string) (string, error) {
			answer, err := intakev1.NewIntakeServiceClient(conn).ListReports(ctx, &intakev1.ListReportsRequest{PageSize: 200, PageToken: page})
			h.Reports += int64(len(answer.GetReports()))
			return answer.GetNextPageToken(), err
		})
		if err != nil {
			return nil, err
		}
		err = pages(a, "casemanagement."+node, token, func(conn *grpc.ClientConn, page string) (string, error) {
			answer, err := casemanagementv1.NewCaseManagementServiceClient(conn).ListCases(ctx, &casemanagementv1.ListCasesRequest{PageSize: 200, PageToken: page})
			h.Cases += int64(len(answer.GetCases()))
			return answer.GetNextPageToken(), err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

func pages(a network.Access, service, token string, next func(conn *grpc.ClientConn, page string) (string, error)) error {
	conn, err := a.Conn(service, network.Console(service), token)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for page := ""; ; {
		if page, err = next(conn, page); err != nil || page == "" {
			return err
		}
	}
}
