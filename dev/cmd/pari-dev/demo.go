package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/reconcile"
	"github.com/retepari/pari/dev/story"
	"github.com/retepari/pari/pkg/version"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

// errDisagree is returned when the counts of centre and nodes differ.
var errDisagree = errors.New("centre and nodes do not agree")

func (a *app) demoCmd() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Check that the centre counts what the nodes hold", Args: cobra.NoArgs,
		Long: "Compares what each node holds with what the centre counts, on the network that runs in --dir. " +
			"Where none\nruns, it starts one in a temporary folder, tells the stories, compares, and stops. " +
			"Exit code 1: they disagree.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDemo(cmd.Context()) },
	}
}

func (a *app) runDemo(ctx context.Context) (err error) {
	running, err := client.Load(a.dir)
	if err == nil && network.Running(a.dir) {
		return a.printComparison(ctx, running)
	}
	dir, err := os.MkdirTemp("", "pari-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	n, err := network.Start(ctx, network.Options{
		Dir: dir, Nodes: network.DefaultNodes(), Version: version.Commit(), Progress: a.printProgress,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop(ctx)) }()
	for _, s := range story.All() {
		if err := a.runStory(ctx, n, s); err != nil {
			return err
		}
	}
	return a.printComparison(ctx, n.Client())
}

func (a *app) runStory(ctx context.Context, n *network.Network, s story.Story) error {
	a.printProgress(fmt.Sprintf("story %d, %s (%s)", s.Number, s.Title, s.Node))
	return story.Run(ctx, n.Client(), s)
}

// printComparison prints the counts of nodes and centre and the tables of all regions. It returns errDisagree when the
// counts differ.
func (a *app) printComparison(ctx context.Context, net client.Network) error {
	result, err := reconcile.Wait(ctx, net)
	if err != nil {
		return err
	}
	if a.format == "json" {
		err = a.printComparisonJSON(ctx, net, result)
	} else {
		err = errors.Join(render.Rows(a.out, func(row render.Row) {
			label := func(it, en string) string { return render.Label(a.lang, it, en) }
			row(label("NODO", "NODE"), label("SEGNALAZIONI", "REPORTS"), label("CASI", "CASES"),
				label("INVIATI", "SENT"), label("APPLICATI", "APPLIED"), label("PERSI", "LOST"),
				label("DOPPI", "DUPLICATED"))
			for _, n := range result {
				row(n.Node, n.Reports, n.Cases, n.Sent, n.Applied, n.Lost, n.Duplicated)
			}
		}), a.printTableT1(ctx, net))
	}
	if err == nil && !result.Agrees() {
		err = errDisagree
	}
	return err
}

func (a *app) printComparisonJSON(ctx context.Context, net client.Network, result reconcile.Result) error {
	conn, err := reconcile.Analyst(ctx, net)
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
	for _, region := range network.Regions() {
		for _, t := range list.GetTables() {
			req := &reportingv1.GetTableRequest{Table: t.GetCode(), Region: region, Year: int32(time.Now().Year())}
			resp, err := reporting.GetTable(ctx, req)
			if err != nil {
				return err
			}
			raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(resp.GetTable())
			if err != nil {
				return fmt.Errorf("demo: %w", err)
			}
			tables = append(tables, raw)
		}
	}
	out := json.NewEncoder(a.out)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{"nodes": result, "tables": tables})
}

// printTableT1 prints table T1 of every region.
func (a *app) printTableT1(ctx context.Context, net client.Network) error {
	conn, err := reconcile.Analyst(ctx, net)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, region := range network.Regions() {
		req := &reportingv1.GetTableRequest{Table: "T1", Region: region, Year: int32(time.Now().Year())}
		resp, err := reportingv1.NewReportingServiceClient(conn).GetTable(ctx, req)
		if err != nil {
			return err
		}
		err = render.Rows(a.out, func(row render.Row) { render.Table(resp.GetTable(), a.lang, row) })
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(a.out)
	}
	return nil
}
