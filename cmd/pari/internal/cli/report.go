package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// versionUsage describes the flag --version of commands that change a report or a case.
const versionUsage = "version on which the decision is based; default: the current one"

// checkedRow says that a request was checked only.
func (c *cli) checkedRow(row render.Row) {
	row(c.label("valida; nulla è stato salvato", "valid; nothing was stored"))
}

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
		Example: "  pari report submit --notice 2026-01 --channel DESK --role VICTIM --ground DISABILITY --wish HELP " +
			"--place 019036 --text 'Il negozio ha un gradino.'\n" +
			"  pari report submit --file report.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.readContent(cmd, file, content); err != nil {
				return err
			}
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) error {
				resp, err := send(ctx, c, req, nil, intake.SubmitReport)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					if req.GetValidateOnly() {
						c.checkedRow(row)
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
	requestIDFlag(cmd, &req.RequestId)
	f.BoolVar(&req.ValidateOnly, "validate-only", false, "check only, store nothing")
	f.StringVar(&content.Channel, "channel", "", "how the report reached the network (pari vocabulary channel)")
	f.StringVar(&content.ReporterRole, "role", "", "role of the reporter (pari vocabulary reporter_role)")
	f.BoolVar(&content.Anonymous, "anonymous", false, "no name was given")
	f.StringSliceVar(&content.Grounds, "ground", nil, "ground, once or more (pari vocabulary ground)")
	f.StringVar(&content.Wish, "wish", "", "what the reporter asks for (pari vocabulary wish)")
	f.StringVar(&content.IncidentPlace, "place", "", "ISTAT code of the municipality, or ONLINE, ABROAD, ND")
	f.StringVar(&content.Narrative, "text", "", "what happened")
	f.StringVar(&content.NoticeVersion, "notice", "",
		"version of the privacy notice that the person was given, for instance 2026-01; needed unless the file has it")
	return cmd
}

// contentFlags are the flags whose fields a file has.
var contentFlags = []string{"channel", "role", "anonymous", "ground", "wish", "place", "text"}

// readContent completes a report from flags with the version of the privacy notice, or reads it in JSON from a file. It
// does not invent which notice the person was given.
func (c *cli) readContent(cmd *cobra.Command, file string, content *intakev1.ReportContent) error {
	if file == "" {
		if content.GetNoticeVersion() == "" {
			return errorf("manca --notice: la versione dell'informativa che la persona ha ricevuto, "+
				"per esempio 2026-01", "--notice is missing: the version of the privacy notice that the person was "+
				"given, for instance 2026-01")
		}
		return nil
	}
	for _, name := range contentFlags {
		if cmd.Flags().Changed(name) {
			return errorf("--file e --%s si escludono: scrivilo nel file", "--file and --%s exclude each other: "+
				"write it in the file", name)
		}
	}
	raw, err := c.readFile(file)
	if err != nil {
		return err
	}
	notice := content.GetNoticeVersion()
	if err := unmarshalJSON(inputName(file), raw, content); err != nil {
		return err
	}
	if notice != "" {
		content.NoticeVersion = notice
	}
	return nil
}

func (c *cli) reportShowCmd() *cobra.Command {
	req := &intakev1.GetReportRequest{}
	var full bool
	cmd := &cobra.Command{
		Use: "show REPORT", Short: "Show one report, by its number or identifier", Args: cobra.ExactArgs(1),
		Example: "  pari report show CR-2026-K7Q4M-V",
		RunE: func(cmd *cobra.Command, args []string) error {
			if full {
				req.View = intakev1.ReportView_REPORT_VIEW_FULL
			}
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) (err error) {
				if req.ReportId, err = reportID(ctx, intake, args[0]); err != nil {
					return err
				}
				resp, err := intake.GetReport(ctx, req)
				if err != nil {
					return err
				}
				c.loadLabels(ctx, resp.GetReport().GetContent().GetIncidentPlace())
				return c.print(resp, func(row render.Row) { c.reportRows(resp.GetReport(), row) })
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show the sealed content; the access is logged")
	return cmd
}

// receivedAt formats when a report was received: the day, and the minute where the service gives it.
func receivedAt(r *intakev1.Report) string {
	if r.GetExactReceivedAt() != nil {
		return formatTime(r.GetExactReceivedAt())
	}
	return formatDay(r.GetReceivedAt())
}

func (c *cli) reportRows(r *intakev1.Report, row render.Row) {
	content := r.GetContent()
	row(c.label("numero", "number"), r.GetNumber())
	row(c.label("stato", "state"), shortEnum(r.GetState().String()), fmt.Sprintf("v%d", r.GetVersion()))
	row(c.label("ricevuta", "received"), receivedAt(r))
	row(c.label("urgente", "urgent"), c.yesNo(content.GetUrgent()))
	row(c.label("canale", "channel"), c.code("channel", content.GetChannel()))
	row(c.label("chi segnala", "reporter"), c.code("reporter_role", content.GetReporterRole()))
	row(c.label("anonima", "anonymous"), c.yesNo(content.GetAnonymous()))
	row(c.label("fattori", "grounds"), c.codes("ground", content.GetGrounds()))
	row(c.label("richiesta", "wish"), c.code("wish", content.GetWish()))
	row(c.label("luogo", "place"), c.code(places, content.GetIncidentPlace()))
	row(c.label("lingua", "language"), content.GetLanguage())
	row(c.label("informativa", "privacy notice"), content.GetNoticeVersion())
	for _, consent := range content.GetConsents() {
		row(c.label("consenso", "consent"), c.code("consent", consent.GetCode()),
			c.code("consent_status", consent.GetStatus()))
	}
	if content.GetIncidentDate() != nil {
		row(c.label("data del fatto", "date of the incident"), partialDate(content.GetIncidentDate()))
	}
	render.Lines(row, c.label("racconto", "narrative"), content.GetNarrative())
	if p := content.GetContact(); p != nil {
		row(c.label("nome", "name"), p.GetName())
		row(c.label("telefono", "phone"), p.GetPhone())
		row("e-mail", p.GetEmail())
		render.Lines(row, c.label("come contattarla", "safe contact"), p.GetSafeContact())
	}
	if r.GetCaseNumber() != "" {
		row(c.label("caso", "case"), r.GetCaseNumber(), r.GetCaseId())
	}
	for _, h := range r.GetHistory() {
		at := formatTime(h.GetAt())
		if content.GetAnonymous() || h.GetVersion() == 1 { // of the submission only the day is stored
			at = formatDay(h.GetAt())
		}
		row(fmt.Sprintf("  v%d", h.GetVersion()), at, h.GetWhat(), h.GetBy().GetPerson(), h.GetBy().GetSystem())
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
				c.loadLabels(ctx)
				return c.print(resp, func(row render.Row) { c.reportListRows(resp, row) })
			})
		},
	}
	cmd.Flags().Int32Var(&req.PageSize, "page-size", 20, "reports per page, 1-200")
	cmd.Flags().StringVar(&req.PageToken, "page-token", "", "token from the previous page")
	return cmd
}

func (c *cli) reportListRows(resp *intakev1.ListReportsResponse, row render.Row) {
	row(c.label("NUMERO", "NUMBER"), c.label("RICEVUTA", "RECEIVED"), c.label("URGENTE", "URGENT"),
		c.label("STATO", "STATE"), c.label("FATTORI", "GROUNDS"), c.label("CANALE", "CHANNEL"), "ID")
	for _, r := range resp.GetReports() {
		row(r.GetNumber(), formatDay(r.GetReceivedAt()), c.yesNo(r.GetContent().GetUrgent()),
			shortEnum(r.GetState().String()), c.codes("ground", r.GetContent().GetGrounds()),
			c.code("channel", r.GetContent().GetChannel()), r.GetReportId())
	}
	if resp.GetNextPageToken() != "" {
		row(c.label("altre con", "more with"), "--page-token "+resp.GetNextPageToken())
	}
}

func (c *cli) reportTakeCmd() *cobra.Command {
	req := &intakev1.TakeInChargeRequest{}
	cmd := &cobra.Command{
		Use: "take REPORT", Short: "Take a report in charge, by its number or identifier: a case is opened",
		Args: cobra.ExactArgs(1), Example: "  pari report take CR-2026-K7Q4M-V",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withIntake(cmd.Context(), func(ctx context.Context, intake intakeClient) (err error) {
				if req.ReportId, err = reportID(ctx, intake, args[0]); err != nil {
					return err
				}
				get := func(ctx context.Context) (*intakev1.Report, error) {
					resp, err := intake.GetReport(ctx, &intakev1.GetReportRequest{ReportId: req.GetReportId()})
					return resp.GetReport(), err
				}
				readVersion := func(ctx context.Context) (int64, error) {
					current, err := get(ctx)
					return current.GetVersion(), err
				}
				resp, err := send(ctx, c, req, readVersion, intake.TakeInCharge)
				if err != nil {
					return withChanges(err, req.GetVersion(), func() ([]*recordv1.HistoryEntry, error) {
						current, err := get(ctx)
						return current.GetHistory(), err
					})
				}
				return c.print(resp, func(row render.Row) {
					row(c.label("caso", "case"), resp.GetReport().GetCaseNumber(), resp.GetReport().GetCaseId())
				})
			})
		},
	}
	cmd.Flags().Int64Var(&req.Version, "version", 0, versionUsage)
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}
