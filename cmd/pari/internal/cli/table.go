package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/render"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

func (c *cli) table() *cobra.Command {
	cmd := &cobra.Command{Use: "table", Short: "Protected tables of a region"}
	cmd.AddCommand(c.tableList(), c.tableShow())
	return cmd
}

func (c *cli) tableList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tables that there are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), "reporting", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := reportingv1.NewReportingServiceClient(conn).ListTables(ctx, &reportingv1.ListTablesRequest{})
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					for _, t := range answer.GetTables() {
						row(t.GetCode(), short(t.GetUnit().String()), c.label(t.GetTitleIt(), t.GetTitleEn()))
					}
				})
			})
		},
	}
}

func (c *cli) tableShow() *cobra.Command {
	req := &reportingv1.GetTableRequest{}
	cmd := &cobra.Command{
		Use: "show TABLE", Short: "Show one table", Args: cobra.ExactArgs(1),
		Example: "  pari table show T1 --region piemonte",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Table = args[0]
			return c.ask(cmd.Context(), "reporting", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := reportingv1.NewReportingServiceClient(conn).GetTable(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) { render.Table(answer.GetTable(), c.lang, row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Region, "region", "lombardia", "region")
	cmd.Flags().Int32Var(&req.Year, "year", int32(time.Now().Year()), "year")
	return cmd
}

func (c *cli) feed() *cobra.Command {
	cmd := &cobra.Command{Use: "feed", Short: "What the centre has of the nodes"}
	cmd.AddCommand(&cobra.Command{
		Use: "status", Short: "Show how far each node's events have come", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), "reporting", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := reportingv1.NewReportingServiceClient(conn).GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("NODO", "NODE"), c.label("LINEA", "LINE"), c.label("INVIATI", "SENT"), c.label("APPLICATI", "APPLIED"), c.label("BUCHI", "GAPS"),
						c.label("FERMI", "PARKED"), c.label("IN CODA", "PENDING"), c.label("SENTITO DA", "HEARD"))
					for _, n := range answer.GetNodes() {
						for _, l := range n.GetLines() {
							row(n.GetNode(), l.GetSource(), l.GetLastNodeSeq(), l.GetAppliedNodeSeq(), l.GetGaps(), l.GetParked(), l.GetPending(), fmt.Sprintf("%d s", l.GetAgeSeconds()))
						}
					}
				})
			})
		},
	})
	return cmd
}
