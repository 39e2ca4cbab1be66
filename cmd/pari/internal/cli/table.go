package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

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
				return c.print(answer, func(row func(...any)) {
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
				return c.print(answer, func(row func(...any)) { c.tableRows(answer.GetTable(), row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Region, "region", "lombardia", "region")
	cmd.Flags().Int32Var(&req.Year, "year", int32(time.Now().Year()), "year")
	return cmd
}

// tableRows writes the cells that are shown and says how many are not.
func (c *cli) tableRows(t *reportingv1.Table, row func(...any)) {
	row(fmt.Sprintf("%s %s, %s %d", t.GetInfo().GetCode(), c.label(t.GetInfo().GetTitleIt(), t.GetInfo().GetTitleEn()), t.GetRegion(), t.GetYear()))
	labels := make([]map[string]string, len(t.GetDimensions()))
	var head []any
	for i, d := range t.GetDimensions() {
		head = append(head, c.label(d.GetLabelIt(), d.GetLabelEn()))
		labels[i] = map[string]string{}
		for _, category := range d.GetCategories() {
			labels[i][category.GetCode()] = c.label(category.GetLabelIt(), category.GetLabelEn())
		}
	}
	row(append(head, "N")...)
	hidden := 0
	for _, cell := range t.GetCells() {
		if cell.GetHidden() {
			hidden++
			continue
		}
		var line []any
		for i, key := range cell.GetKeys() {
			text := key
			if i < len(labels) && labels[i][key] != "" {
				text = labels[i][key]
			}
			line = append(line, text)
		}
		row(append(line, cell.GetValue())...)
	}
	if t.GetProtection().GetThreshold() == 0 {
		row(c.label("dati pubblici, esatti", "public figures, exact"))
		return
	}
	row(fmt.Sprintf(c.label("%d celle protette: zero o meno di %d; le altre arrotondate a %d", "%d cells protected: zero or fewer than %d; the others rounded to %d"),
		hidden, t.GetProtection().GetThreshold(), t.GetProtection().GetBase()))
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
				return c.print(answer, func(row func(...any)) {
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
