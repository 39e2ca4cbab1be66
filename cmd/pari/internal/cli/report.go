package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/retepari/pari/cmd/pari/render"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// versionUsage describes the flag --version of commands that change a report or a case.
const versionUsage = "version on which the decision is based; default: the current one"

func (c *cli) reportCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "report", Short: "Reports of a node"}
	cmd.AddCommand(c.reportSubmitCmd(), c.reportShowCmd(), c.reportListCmd(), c.reportTakeCmd())
	return cmd
}

func (c *cli) reportSubmitCmd() *cobra.Command {
	req := &intakev1.SubmitReportRequest{Content: &intakev1.ReportContent{}}
	var file string
	content := req.GetContent()
	cmd := &cobra.Command{
		Use: "submit", Short: "Submit a report", Args: cobra.NoArgs,
		Long: "Submits a report from a JSON file with the field names of the contract (ReportContent), " +
			"from standard input with --file -, or from flags.\n" +
			"Put names, telephone numbers and texts in the file: every user of the machine can see flags.",
		Example: "  pari report submit --channel DESK --role VICTIM --ground DISABILITY --wish HELP --place 019036 " +
			"--text 'Il negozio ha un gradino.'\n" +
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
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) error {
				resp, err := intake.SubmitReport(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					if req.GetValidateOnly() {
						row(c.label("valida; nulla è stato salvato", "valid; nothing was stored"))
						return
					}
					row(c.label("numero", "number"), resp.GetNumber())
					row(c.label("codice da dare alla persona", "code for the person"), resp.GetReceiptCode())
					row("id", resp.GetReportId())
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "JSON file with the content; - reads standard input")
	f.StringVar(&req.RequestId, "request-id", "", "UUID of an earlier request, to retry it")
	f.BoolVar(&req.ValidateOnly, "validate-only", false, "check only, store nothing")
	f.StringVar(&content.Channel, "channel", "", "how the report reached the network (pari vocabulary channel)")
	f.StringVar(&content.ReporterRole, "role", "", "role of the reporter (pari vocabulary reporter_role)")
	f.BoolVar(&content.Anonymous, "anonymous", false, "no name was given")
	f.StringSliceVar(&content.Grounds, "ground", nil, "ground, once or more (pari vocabulary ground)")
	f.StringVar(&content.Wish, "wish", "", "what the reporter asks for (pari vocabulary wish)")
	f.StringVar(&content.IncidentPlace, "place", "", "ISTAT code of the municipality, or ONLINE, ABROAD, ND")
	f.StringVar(&content.Narrative, "text", "", "what happened")
	return cmd
}

// readContent reads a report in JSON from a file, or from standard input when the file is "-".
func (c *cli) readContent(file string, content *intakev1.ReportContent) error {
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
	if err := protojson.Unmarshal(raw, content); err != nil {
		return fmt.Errorf("report: %s is not a report in JSON; see ReportContent in proto/pari/intake/v1", file)
	}
	return nil
}

func (c *cli) reportShowCmd() *cobra.Command {
	req := &intakev1.GetReportRequest{}
	var full bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one report", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ReportId = args[0]
			if full {
				req.View = intakev1.ReportView_REPORT_VIEW_FULL
			}
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) error {
				resp, err := intake.GetReport(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.reportRows(resp.GetReport(), row) })
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show the sealed content; the access is logged")
	return cmd
}

func (c *cli) reportRows(r *intakev1.Report, row render.Row) {
	content := r.GetContent()
	row(c.label("numero", "number"), r.GetNumber())
	row(c.label("stato", "state"), shortEnum(r.GetState().String()), fmt.Sprintf("v%d", r.GetVersion()))
	row(c.label("ricevuta", "received"), r.GetReceivedAt().AsTime().Local().Format(dateTime))
	row(c.label("canale", "channel"), content.GetChannel())
	row(c.label("chi segnala", "reporter"), content.GetReporterRole())
	row(c.label("fattori", "grounds"), strings.Join(content.GetGrounds(), " "))
	row(c.label("luogo", "place"), content.GetIncidentPlace())
	if content.GetNarrative() != "" {
		render.Lines(row, c.label("racconto", "narrative"), content.GetNarrative())
	}
	if p := content.GetContact(); p != nil {
		text := strings.Join([]string{p.GetName(), p.GetPhone(), p.GetEmail(), p.GetSafeContact()}, " ")
		row(c.label("contatto", "contact"), text)
	}
	if r.GetCaseNumber() != "" {
		row(c.label("caso", "case"), r.GetCaseNumber(), r.GetCaseId())
	}
	for _, h := range r.GetHistory() {
		row(fmt.Sprintf("  v%d", h.GetVersion()), h.GetAt().AsTime().Local().Format(dateTime), h.GetWhat(),
			h.GetBy().GetPerson(), h.GetBy().GetSystem())
	}
}

func (c *cli) reportListCmd() *cobra.Command {
	req := &intakev1.ListReportsRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the reports of a node, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) error {
				resp, err := intake.ListReports(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.reportListRows(resp, row) })
			})
		},
	}
	cmd.Flags().Int32Var(&req.PageSize, "page-size", 20, "reports per page, 1-200")
	cmd.Flags().StringVar(&req.PageToken, "page-token", "", "token from the previous page")
	return cmd
}

func (c *cli) reportListRows(resp *intakev1.ListReportsResponse, row render.Row) {
	row(c.label("NUMERO", "NUMBER"), c.label("STATO", "STATE"), c.label("FATTORI", "GROUNDS"),
		c.label("CANALE", "CHANNEL"), "ID")
	for _, r := range resp.GetReports() {
		row(r.GetNumber(), shortEnum(r.GetState().String()), strings.Join(r.GetContent().GetGrounds(), " "),
			r.GetContent().GetChannel(), r.GetReportId())
	}
	if resp.GetNextPageToken() != "" {
		row(c.label("altre con", "more with"), "--page-token "+resp.GetNextPageToken())
	}
}

func (c *cli) reportTakeCmd() *cobra.Command {
	req := &intakev1.TakeInChargeRequest{}
	cmd := &cobra.Command{
		Use: "take ID", Short: "Take a report in charge: a case is opened", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ReportId, req.RequestId = args[0], uuid.NewString()
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) error {
				if req.GetVersion() == 0 {
					current, err := intake.GetReport(ctx, &intakev1.GetReportRequest{ReportId: req.GetReportId()})
					if err != nil {
						return err
					}
					req.Version = current.GetReport().GetVersion()
				}
				resp, err := intake.TakeInCharge(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					row(c.label("caso", "case"), resp.GetReport().GetCaseNumber(), resp.GetReport().GetCaseId())
				})
			})
		},
	}
	cmd.Flags().Int64Var(&req.Version, "version", 0, versionUsage)
	return cmd
}
