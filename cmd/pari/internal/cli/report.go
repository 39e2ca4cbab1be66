package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/retepari/pari/cmd/pari/render"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

func (c *cli) report() *cobra.Command {
	cmd := &cobra.Command{Use: "report", Short: "Reports of a node"}
	cmd.AddCommand(c.reportSubmit(), c.reportShow(), c.reportList(), c.reportTake())
	return cmd
}

func (c *cli) reportSubmit() *cobra.Command {
	req := &intakev1.SubmitReportRequest{Content: &intakev1.ReportContent{}}
	var file string
	content := req.GetContent()
	cmd := &cobra.Command{
		Use: "submit", Short: "Submit what somebody told", Args: cobra.NoArgs,
		Long: "Submits a report from a file in JSON, in the names of the contract (ReportContent), from standard input with --file -, or from flags.\nNames, telephones and texts belong into the file: flags are seen by everybody on the machine.",
		Example: "  pari report submit --channel DESK --role VICTIM --ground DISABILITY --wish HELP --place 019036 --text 'Il negozio ha un gradino.'\n" +
			"  pari report submit --file report.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.readContent(file, content); err != nil {
				return err
			}
			if req.GetRequestId() == "" {
				req.RequestId = uuid.NewString()
			}
			if content.GetNoticeVersion() == "" {
				content.NoticeVersion = "2026-01"
			}
			return c.ask(cmd.Context(), "intake", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := intakev1.NewIntakeServiceClient(conn).SubmitReport(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					if req.GetValidateOnly() {
						row(c.label("va bene: nulla è stato salvato", "it would be taken: nothing was stored"))
						return
					}
					row(c.label("numero", "number"), answer.GetNumber())
					row(c.label("codice da dare alla persona", "code for the person"), answer.GetReceiptCode())
					row("id", answer.GetReportId())
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "JSON file with the content; - reads standard input")
	f.StringVar(&req.RequestId, "request-id", "", "UUID of a request that is tried again")
	f.BoolVar(&req.ValidateOnly, "validate-only", false, "check only, store nothing")
	f.StringVar(&content.Channel, "channel", "", "how it reached the network (pari vocabulary channel)")
	f.StringVar(&content.ReporterRole, "role", "", "role of who tells it (pari vocabulary reporter_role)")
	f.BoolVar(&content.Anonymous, "anonymous", false, "no name was given")
	f.StringSliceVar(&content.Grounds, "ground", nil, "ground, once or more (pari vocabulary ground)")
	f.StringVar(&content.Wish, "wish", "", "what they want (pari vocabulary wish)")
	f.StringVar(&content.IncidentPlace, "place", "", "ISTAT code of the municipality, or ONLINE, ABROAD, ND")
	f.StringVar(&content.Narrative, "text", "", "what happened")
	return cmd
}

func (c *cli) readContent(file string, into *intakev1.ReportContent) error {
	if file == "" {
		return nil
	}
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(c.in, 1<<20))
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := protojson.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("report: %s is not a report in JSON; see ReportContent in proto/pari/intake/v1", file)
	}
	return nil
}

func (c *cli) reportShow() *cobra.Command {
	req := &intakev1.GetReportRequest{}
	var full bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one report", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ReportId = args[0]
			if full {
				req.View = intakev1.ReportView_REPORT_VIEW_FULL
			}
			return c.ask(cmd.Context(), "intake", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := intakev1.NewIntakeServiceClient(conn).GetReport(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) { c.reportRows(answer.GetReport(), row) })
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "open what was told; it is written down that you did")
	return cmd
}

func (c *cli) reportRows(r *intakev1.Report, row render.Row) {
	content := r.GetContent()
	row(c.label("numero", "number"), r.GetNumber())
	row(c.label("stato", "state"), short(r.GetState().String()), "v"+fmt.Sprint(r.GetVersion()))
	row(c.label("ricevuta", "received"), r.GetReceivedAt().AsTime().Local().Format("2006-01-02 15:04"))
	row(c.label("canale", "channel"), content.GetChannel())
	row(c.label("chi segnala", "reporter"), content.GetReporterRole())
	row(c.label("fattori", "grounds"), strings.Join(content.GetGrounds(), " "))
	row(c.label("luogo", "place"), content.GetIncidentPlace())
	if content.GetNarrative() != "" {
		row(c.label("racconto", "told"), content.GetNarrative())
	}
	if contact := content.GetContact(); contact != nil {
		row(c.label("contatto", "contact"), strings.Join([]string{contact.GetName(), contact.GetPhone(), contact.GetEmail(), contact.GetSafeContact()}, " "))
	}
	if r.GetCaseNumber() != "" {
		row(c.label("caso", "case"), r.GetCaseNumber(), r.GetCaseId())
	}
	for _, h := range r.GetHistory() {
		row(fmt.Sprintf("  v%d", h.GetVersion()), h.GetAt().AsTime().Local().Format("2006-01-02 15:04"), h.GetWhat(), h.GetBy().GetPerson(), h.GetBy().GetSystem())
	}
}

func (c *cli) reportList() *cobra.Command {
	req := &intakev1.ListReportsRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the reports of a node, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), "intake", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := intakev1.NewIntakeServiceClient(conn).ListReports(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("NUMERO", "NUMBER"), c.label("STATO", "STATE"), c.label("FATTORI", "GROUNDS"), c.label("CANALE", "CHANNEL"), "ID")
					for _, r := range answer.GetReports() {
						row(r.GetNumber(), short(r.GetState().String()), strings.Join(r.GetContent().GetGrounds(), " "), r.GetContent().GetChannel(), r.GetReportId())
					}
					if answer.GetNextPageToken() != "" {
						row(c.label("altre con", "more with"), "--page-token "+answer.GetNextPageToken())
					}
				})
			})
		},
	}
	cmd.Flags().Int32Var(&req.PageSize, "page-size", 20, "reports per page, 1-200")
	cmd.Flags().StringVar(&req.PageToken, "page-token", "", "token of the page before")
	return cmd
}

func (c *cli) reportTake() *cobra.Command {
	req := &intakev1.TakeInChargeRequest{}
	cmd := &cobra.Command{
		Use: "take ID", Short: "Take a report in charge: a case is opened", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ReportId, req.RequestId = args[0], uuid.NewString()
			return c.ask(cmd.Context(), "intake", func(ctx context.Context, conn *grpc.ClientConn) error {
				intake := intakev1.NewIntakeServiceClient(conn)
				if req.GetVersion() == 0 {
					now, err := intake.GetReport(ctx, &intakev1.GetReportRequest{ReportId: req.GetReportId()})
					if err != nil {
						return err
					}
					req.Version = now.GetReport().GetVersion()
				}
				answer, err := intake.TakeInCharge(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					row(c.label("caso", "case"), answer.GetReport().GetCaseNumber(), answer.GetReport().GetCaseId())
				})
			})
		},
	}
	cmd.Flags().Int64Var(&req.Version, "version", 0, "version that you decided on; else the one it has now")
	return cmd
}

// short cuts the prefix that enum values have in the contract.
func short(enum string) string {
	for _, prefix := range []string{"REPORT_STATE_", "CASE_STATE_", "UNIT_", "OPEN_STATE_", "PROPOSAL_STATE_", "TERRITORY_KIND_", "TERRITORY_REASON_"} {
		enum = strings.TrimPrefix(enum, prefix)
	}
	return enum
}
