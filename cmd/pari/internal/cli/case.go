package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/cmd/pari/render"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

func (c *cli) caseCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "case", Short: "Cases of a node"}
	cmd.AddCommand(c.caseShowCmd(), c.caseListCmd(), c.caseAssessCmd(), c.caseActCmd(), c.caseCloseCmd())
	return cmd
}

func (c *cli) caseShowCmd() *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one case", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &casemanagementv1.GetCaseRequest{CaseId: args[0]}
			if full {
				req.View = casemanagementv1.CaseView_CASE_VIEW_FULL
			}
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) error {
				resp, err := cases.GetCase(ctx, req)
				if err != nil {
					return err
				}
				return c.printCase(resp, resp.GetCase())
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show the sealed notes; the access is logged")
	return cmd
}

func (c *cli) caseListCmd() *cobra.Command {
	req := &casemanagementv1.ListCasesRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases of a node, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) error {
				resp, err := cases.ListCases(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.caseListRows(resp, row) })
			})
		},
	}
	cmd.Flags().Int32Var(&req.PageSize, "page-size", 20, "cases per page, 1-200")
	cmd.Flags().StringVar(&req.PageToken, "page-token", "", "token from the previous page")
	return cmd
}

func (c *cli) caseListRows(resp *casemanagementv1.ListCasesResponse, row render.Row) {
	row(c.label("NUMERO", "NUMBER"), c.label("STATO", "STATE"), c.label("FATTORE", "GROUND"),
		c.label("AMBITO", "FIELD"), "ID")
	for _, f := range resp.GetCases() {
		row(f.GetNumber(), shortEnum(f.GetState().String()), f.GetAssessment().GetMainGround(),
			f.GetAssessment().GetField(), f.GetCaseId())
	}
	if resp.GetNextPageToken() != "" {
		row(c.label("altri con", "more with"), "--page-token "+resp.GetNextPageToken())
	}
}

// expectedVersion returns the version to send with a change: the given one, or the current one when none is given.
func expectedVersion(ctx context.Context, cases casesClient, id string, given int64) (int64, error) {
	if given != 0 {
		return given, nil
	}
	current, err := cases.GetCase(ctx, &casemanagementv1.GetCaseRequest{CaseId: id})
	return current.GetCase().GetVersion(), err
}

func (c *cli) caseAssessCmd() *cobra.Command {
	a := &casemanagementv1.Assessment{}
	req := &casemanagementv1.AssessRequest{Assessment: a}
	var month string
	cmd := &cobra.Command{
		Use: "assess ID", Short: "Record the assessment of a case", Args: cobra.ExactArgs(1),
		Example: "  pari case assess ID --verdict PERTINENT_LEGAL --ground DISABILITY --main DISABILITY " +
			"--type DIRECT --field RETAIL_SERVICES --author BUSINESS --event-place 019036 --residence 019036 " +
			"--sensitivity S3 --month 2026-03",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.CaseId, req.RequestId = args[0], uuid.NewString()
			if a.MainGround == "" && len(a.GetGrounds()) == 1 {
				a.MainGround = a.GetGrounds()[0]
			}
			if month != "" {
				a.IncidentMonth = &recordv1.Month{}
				_, err := fmt.Sscanf(month, "%d-%d", &a.IncidentMonth.Year, &a.IncidentMonth.Month)
				if err != nil {
					return fmt.Errorf("--month takes a month such as 2026-03, not %q", month)
				}
			}
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) error {
				if req.Version, err = expectedVersion(ctx, cases, req.GetCaseId(), req.GetVersion()); err != nil {
					return err
				}
				resp, err := cases.Assess(ctx, req)
				if err != nil {
					return err
				}
				return c.printCase(resp, resp.GetCase())
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0, versionUsage)
	f.BoolVar(&req.ValidateOnly, "validate-only", false, "check only, store nothing")
	f.StringVar(&a.Verdict, "verdict", "", "pari vocabulary assessment")
	f.StringSliceVar(&a.Grounds, "ground", nil, "once or more; pari vocabulary ground")
	f.StringVar(&a.MainGround, "main", "", "the main ground; needed when there are several")
	f.StringVar(&a.Type, "type", "", "pari vocabulary type")
	f.StringSliceVar(&a.Flags, "flag", nil, "pari vocabulary type_flag")
	f.StringVar(&a.Field, "field", "", "pari vocabulary field")
	f.StringSliceVar(&a.AuthorKinds, "author", nil, "once or more; pari vocabulary author_kind")
	f.StringVar(&month, "month", "", "month of the incident, for instance 2026-03")
	f.StringVar(&a.EventPlace, "event-place", "", "ISTAT code of the municipality, or ONLINE, ABROAD, ND")
	f.StringVar(&a.Residence, "residence", "", "the same for the place where the person lives")
	f.StringVar(&a.Sensitivity, "sensitivity", "S3", "pari vocabulary sensitivity")
	return cmd
}

func (c *cli) caseActCmd() *cobra.Command {
	req := &casemanagementv1.RecordActionRequest{}
	cmd := &cobra.Command{
		Use: "act ID", Short: "Record what was done", Args: cobra.ExactArgs(1),
		Example: "  pari case act ID --code LETTER --result DONE --minutes 30",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.CaseId, req.RequestId = args[0], uuid.NewString()
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) error {
				if req.Version, err = expectedVersion(ctx, cases, req.GetCaseId(), req.GetVersion()); err != nil {
					return err
				}
				resp, err := cases.RecordAction(ctx, req)
				if err != nil {
					return err
				}
				return c.printCase(resp, resp.GetCase())
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0, versionUsage)
	f.StringVar(&req.Code, "code", "", "pari vocabulary action")
	f.StringVar(&req.Result, "result", "DONE", "pari vocabulary action_result")
	f.StringVar(&req.ReferralTarget, "target", "", "whom the person was sent to; pari vocabulary referral_target")
	f.Int32Var(&req.Minutes, "minutes", 0, "minutes spent, 0-1440")
	f.StringVar(&req.Note, "note", "", "note for the file; it is sealed")
	return cmd
}

func (c *cli) caseCloseCmd() *cobra.Command {
	req := &casemanagementv1.CloseCaseRequest{}
	cmd := &cobra.Command{
		Use: "close ID", Short: "Close a case with its outcome", Args: cobra.ExactArgs(1),
		Example: "  pari case close ID --outcome APOLOGY --informed",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req.CaseId, req.RequestId = args[0], uuid.NewString()
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) error {
				if req.Version, err = expectedVersion(ctx, cases, req.GetCaseId(), req.GetVersion()); err != nil {
					return err
				}
				resp, err := cases.CloseCase(ctx, req)
				if err != nil {
					return err
				}
				return c.printCase(resp, resp.GetCase())
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0, versionUsage)
	f.StringVar(&req.Outcome, "outcome", "", "pari vocabulary outcome")
	f.StringSliceVar(&req.SecondaryOutcomes, "also", nil, "further outcomes")
	f.BoolVar(&req.PersonInformed, "informed", false, "the person was informed of the outcome")
	f.StringVar(&req.Note, "note", "", "closing note; it is sealed")
	return cmd
}

func (c *cli) printCase(resp proto.Message, f *casemanagementv1.Case) error {
	return c.print(resp, func(row render.Row) {
		row(c.label("numero", "number"), f.GetNumber())
		row(c.label("stato", "state"), shortEnum(f.GetState().String()), fmt.Sprintf("v%d", f.GetVersion()))
		if a := f.GetAssessment(); a != nil {
			row(c.label("verifica", "assessment"), a.GetVerdict(), a.GetMainGround(), a.GetType(), a.GetField(),
				a.GetSensitivity())
		}
		for _, a := range f.GetActions() {
			row(c.label("azione", "action"), a.GetCode(), a.GetResult(), a.GetRecordedBy().GetPerson(), a.GetNote())
		}
		if closing := f.GetClosing(); closing != nil {
			outcomes := append([]string{closing.GetOutcome()}, closing.GetSecondaryOutcomes()...)
			row(c.label("esito", "outcome"), strings.Join(outcomes, " "), closing.GetNote())
		}
		for _, h := range f.GetHistory() {
			row(fmt.Sprintf("  v%d", h.GetVersion()), h.GetAt().AsTime().Local().Format(dateTime), h.GetWhat(),
				h.GetToState(), h.GetBy().GetPerson())
		}
	})
}
