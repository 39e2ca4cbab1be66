package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

func (c *cli) tableCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "table", Short: "Protected tables of a region"}
	cmd.AddCommand(c.tableListCmd(), c.tableShowCmd())
	return cmd
}

func (c *cli) tableListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tables", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withReporting(cmd.Context(), func(ctx context.Context, reporting reportingClient) error {
				resp, err := reporting.ListTables(ctx, &reportingv1.ListTablesRequest{})
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					for _, t := range resp.GetTables() {
						row(t.GetCode(), shortEnum(t.GetUnit().String()), c.label(t.GetTitleIt(), t.GetTitleEn()))
					}
				})
			})
		},
	}
}

func (c *cli) tableShowCmd() *cobra.Command {
	req := &reportingv1.GetTableRequest{}
	cmd := &cobra.Command{
		Use: "show TABLE", Short: "Show one table", Args: cobra.ExactArgs(1),
		Example: "  pari table show T1 --region piemonte",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Table = args[0]
			return c.withReporting(cmd.Context(), func(ctx context.Context, reporting reportingClient) error {
				resp, err := reporting.GetTable(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { render.Table(resp.GetTable(), c.lang, row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Region, "region", "lombardia", "region")
	cmd.Flags().Int32Var(&req.Year, "year", thisYear(time.Now()), "year")
	return cmd
}

// thisYear returns the year in Italy.
func thisYear(now time.Time) int32 { return int32(now.In(tz.Rome).Year()) }

func (c *cli) feedCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "feed", Short: "Events of the nodes at the centre"}
	cmd.AddCommand(c.feedStatusCmd())
	return cmd
}

func (c *cli) feedStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how far the centre has applied the events of each node", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withReporting(cmd.Context(), func(ctx context.Context, reporting reportingClient) error {
				resp, err := reporting.GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.feedRows(resp.GetNodes(), row) })
			})
		},
	}
}

func (c *cli) feedRows(nodes []*reportingv1.NodeFeed, row render.Row) {
	row(c.label("NODO", "NODE"), c.label("PARTIZIONE", "PARTITION"), c.label("INVIATI", "SENT"),
		c.label("APPLICATI", "APPLIED"), c.label("BUCHI", "GAPS"), c.label("NON APPLICATI", "UNAPPLIED"),
		c.label("IN CODA", "PENDING"), c.label("ULTIMO SEGNALE", "LAST SEEN"))
	for _, n := range nodes {
		name := n.GetRegion() + "/" + n.GetNode()
		for _, p := range n.GetLines() {
			row(name, p.GetSource(), p.GetLastNodeSeq(), p.GetAppliedNodeSeq(), p.GetGaps(), p.GetParked(),
				p.GetPending(), c.lastSeen(p))
		}
		if len(n.GetLines()) == 0 {
			row(name, "-", "-", "-", "-", "-", "-", c.lastSeen(nil))
		}
	}
}

// lastSeen formats how long ago a partition was heard from.
func (c *cli) lastSeen(p *reportingv1.LineFeed) string {
	if p.GetHeardAt() == nil {
		return c.label("mai", "never")
	}
	return fmt.Sprintf(c.label("%d s fa", "%d s ago"), p.GetAgeSeconds())
}
