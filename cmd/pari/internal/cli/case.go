package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
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
		Use: "show CASE", Short: "Show one case, by its number or identifier", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &casemanagementv1.GetCaseRequest{}
			if full {
				req.View = casemanagementv1.CaseView_CASE_VIEW_FULL
			}
			return c.withCases(cmd.Context(), func(ctx context.Context, cases casesClient) (err error) {
				if req.CaseId, err = caseID(ctx, cases, args[0]); err != nil {
					return err
				}
				resp, err := cases.GetCase(ctx, req)
				if err != nil {
					return err
				}
				return c.printCase(ctx, resp, resp.GetCase())
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
				c.loadLabels(ctx)
				return c.print(resp, func(row render.Row) { c.caseListRows(resp, row) })
			})
		},
	}
	cmd.Flags().Int32Var(&req.PageSize, "page-size", 20, "cases per page, 1-200")
	cmd.Flags().StringVar(&req.PageToken, "page-token", "", "token from the previous page")
	return cmd
}

func (c *cli) caseListRows(resp *casemanagementv1.ListCasesResponse, row render.Row) {
	row(c.label("NUMERO", "NUMBER"), c.label("APERTO", "OPENED"), c.label("STATO", "STATE"),
		c.label("FATTORE", "GROUND"), c.label("AMBITO", "FIELD"), "ID")
	for _, f := range resp.GetCases() {
		row(f.GetNumber(), formatDay(f.GetOpenedAt()), shortEnum(f.GetState().String()),
			c.code("ground", f.GetAssessment().GetMainGround()), c.code("field", f.GetAssessment().GetField()),
			f.GetCaseId())
	}
	if resp.GetNextPageToken() != "" {
		row(c.label("altri con", "more with"), "--page-token "+resp.GetNextPageToken())
	}
}

// The calls that change a case.
type (
	assessCall = func(
		context.Context, *casemanagementv1.AssessRequest, ...grpc.CallOption,
	) (*casemanagementv1.AssessResponse, error)
	actionCall = func(
		context.Context, *casemanagementv1.RecordActionRequest, ...grpc.CallOption,
	) (*casemanagementv1.RecordActionResponse, error)
	closeCall = func(
		context.Context, *casemanagementv1.CloseCaseRequest, ...grpc.CallOption,
	) (*casemanagementv1.CloseCaseResponse, error)
)

// changeCase sends a change of a case that is given by its identifier or its number, and prints the case. setID sets
// the identifier. Where no version is given, check looks at the current case first. A change that is based on an older
// version than the current one is refused, and the changes in between are shown.
func changeCase[Q caseMutation, R caseResponse](
	ctx context.Context, c *cli, name string, req Q, setID func(id string), check func(*casemanagementv1.Case) error,
	method func(casesClient) func(context.Context, Q, ...grpc.CallOption) (R, error),
) error {
	return c.withCases(ctx, func(ctx context.Context, cases casesClient) error {
		id, err := caseID(ctx, cases, name)
		if err != nil {
			return err
		}
		setID(id)
		get := func(ctx context.Context) (*casemanagementv1.Case, error) {
			resp, err := cases.GetCase(ctx, &casemanagementv1.GetCaseRequest{CaseId: id})
			return resp.GetCase(), err
		}
		readVersion := func(ctx context.Context) (int64, error) {
			current, err := get(ctx)
			if err == nil && check != nil {
				err = check(current)
			}
			return current.GetVersion(), err
		}
		resp, err := send(ctx, c, req, readVersion, method(cases))
		if err != nil {
			return withChanges(err, req.GetVersion(), func() ([]*recordv1.HistoryEntry, error) {
				current, err := get(ctx)
				return current.GetHistory(), err
			})
		}
		if isCheck(req) {
			return c.print(resp, c.checkedRow)
		}
		return c.printCase(ctx, resp, resp.GetCase())
	})
}

// caseMutation is a request that changes a case.
type caseMutation interface {
	mutation
	GetVersion() int64
}

// caseResponse is a response with a case.
type caseResponse interface {
	proto.Message
	GetCase() *casemanagementv1.Case
}

func (c *cli) caseAssessCmd() *cobra.Command {
	a := &casemanagementv1.Assessment{}
	req := &casemanagementv1.AssessRequest{Assessment: a}
	var month string
	cmd := &cobra.Command{
		Use: "assess CASE", Short: "Record the assessment of a case", Args: cobra.ExactArgs(1),
		Example: "  pari case assess CR-C-2026-7XH3P-P --verdict PERTINENT_LEGAL --ground DISABILITY " +
			"--main DISABILITY --type DIRECT --field RETAIL_SERVICES --author BUSINESS --event-place 019036 " +
			"--residence 019036 --sensitivity S3 --month 2026-03",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if a.MainGround == "" && len(a.GetGrounds()) == 1 {
				a.MainGround = a.GetGrounds()[0]
			}
			if a.GetSensitivity() == "" {
				return errorf("manca --sensitivity: la riservatezza del caso (pari vocabulary sensitivity)",
					"--sensitivity is missing: how sensitive the case is (pari vocabulary sensitivity)")
			}
			if a.IncidentMonth, err = parseMonth(month); err != nil {
				return err
			}
			return changeCase(cmd.Context(), c, args[0], req, func(id string) { req.CaseId = id }, notAssessed,
				func(cases casesClient) assessCall { return cases.Assess })
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0,
		"version on which the decision is based; needed when the case has an assessment already")
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
	f.StringVar(&a.Sensitivity, "sensitivity", "", "needed; pari vocabulary sensitivity")
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}

// notAssessed returns an error when the case has an assessment: another person's is replaced only by a person who names
// the version that they have seen.
func notAssessed(current *casemanagementv1.Case) error {
	if current.GetAssessment() == nil {
		return nil
	}
	name, version := current.GetNumber(), current.GetVersion()
	err := errorf(
		"il caso ha già una verifica (versione attuale: %[1]d): guardala; per sostituirla indica --version %[1]d",
		"the case has an assessment already (current version: %[1]d): look at it; to replace it, give --version %[1]d",
		version)
	return err.withHint("pari case show " + cmp.Or(name, current.GetCaseId()))
}

// parseMonth returns the month of a text such as 2026-03, nil without one.
func parseMonth(text string) (*recordv1.Month, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse("2006-01", text)
	if err != nil {
		return nil, errorf("--month è un mese come 2026-03, non %q",
			"--month takes a month such as 2026-03, not %q", text)
	}
	return &recordv1.Month{Year: int32(t.Year()), Month: int32(t.Month())}, nil
}

func (c *cli) caseActCmd() *cobra.Command {
	req := &casemanagementv1.RecordActionRequest{}
	var note, noteFile string
	cmd := &cobra.Command{
		Use: "act CASE", Short: "Record what was done", Args: cobra.ExactArgs(1),
		Example: "  pari case act CR-C-2026-7XH3P-P --code LETTER --result DONE --minutes 30",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Note, err = c.readNote(note, noteFile); err != nil {
				return err
			}
			return changeCase(cmd.Context(), c, args[0], req, func(id string) { req.CaseId = id }, nil,
				func(cases casesClient) actionCall { return cases.RecordAction })
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0, versionUsage)
	f.StringVar(&req.Code, "code", "", "pari vocabulary action")
	f.StringVar(&req.Result, "result", "DONE", "pari vocabulary action_result")
	f.StringVar(&req.ReferralTarget, "target", "", "whom the person was sent to; pari vocabulary referral_target")
	f.Int32Var(&req.Minutes, "minutes", 0, "minutes spent, 0-1440")
	noteFlags(cmd, &note, &noteFile, "note for the file; it is sealed")
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}

func (c *cli) caseCloseCmd() *cobra.Command {
	req := &casemanagementv1.CloseCaseRequest{}
	var note, noteFile string
	cmd := &cobra.Command{
		Use: "close CASE", Short: "Close a case with its outcome", Args: cobra.ExactArgs(1),
		Example: "  pari case close CR-C-2026-7XH3P-P --outcome APOLOGY --informed",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.Note, err = c.readNote(note, noteFile); err != nil {
				return err
			}
			return changeCase(cmd.Context(), c, args[0], req, func(id string) { req.CaseId = id }, nil,
				func(cases casesClient) closeCall { return cases.CloseCase })
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Version, "version", 0, versionUsage)
	f.StringVar(&req.Outcome, "outcome", "", "pari vocabulary outcome")
	f.StringSliceVar(&req.SecondaryOutcomes, "also", nil, "further outcomes")
	f.BoolVar(&req.PersonInformed, "informed", false, "the person was informed of the outcome")
	noteFlags(cmd, &note, &noteFile, "closing note; it is sealed")
	requestIDFlag(cmd, &req.RequestId)
	return cmd
}

func (c *cli) printCase(ctx context.Context, resp proto.Message, f *casemanagementv1.Case) error {
	c.loadLabels(ctx, f.GetAssessment().GetEventPlace(), f.GetAssessment().GetResidence())
	return c.print(resp, func(row render.Row) { c.caseRows(f, row) })
}

func (c *cli) caseRows(f *casemanagementv1.Case, row render.Row) {
	row(c.label("numero", "number"), f.GetNumber())
	row(c.label("stato", "state"), shortEnum(f.GetState().String()), fmt.Sprintf("v%d", f.GetVersion()))
	row(c.label("aperto", "opened"), formatTime(f.GetOpenedAt()))
	row(c.label("segnalazioni", "reports"), strings.Join(f.GetReportIds(), " "))
	if a := f.GetAssessment(); a != nil {
		row(c.label("verifica", "assessment"), c.code("assessment", a.GetVerdict()))
		row(c.label("fattore principale", "main ground"), c.code("ground", a.GetMainGround()))
		row(c.label("fattori", "grounds"), c.codes("ground", a.GetGrounds()))
		row(c.label("tipo", "type"), c.code("type", a.GetType()), c.codes("type_flag", a.GetFlags()))
		row(c.label("ambito", "field"), c.code("field", a.GetField()))
		row(c.label("autore", "author"), c.codes("author_kind", a.GetAuthorKinds()))
		if m := a.GetIncidentMonth(); m != nil {
			row(c.label("mese del fatto", "month of the incident"), fmt.Sprintf("%d-%02d", m.GetYear(), m.GetMonth()))
		}
		row(c.label("luogo del fatto", "place of the incident"), c.code(places, a.GetEventPlace()))
		row(c.label("residenza", "residence"), c.code(places, a.GetResidence()))
		row(c.label("riservatezza", "sensitivity"), c.code("sensitivity", a.GetSensitivity()))
	}
	for _, a := range f.GetActions() {
		row(c.label("azione", "action"), formatTime(a.GetRecordedAt()), c.code("action", a.GetCode()),
			c.code("action_result", a.GetResult()), c.code("referral_target", a.GetReferralTarget()),
			a.GetRecordedBy().GetPerson())
		if a.GetMinutes() > 0 {
			row(c.label("  minuti", "  minutes"), strconv.Itoa(int(a.GetMinutes())))
		}
		render.Lines(row, c.label("  nota", "  note"), a.GetNote())
	}
	if closing := f.GetClosing(); closing != nil {
		outcomes := append([]string{closing.GetOutcome()}, closing.GetSecondaryOutcomes()...)
		row(c.label("esito", "outcome"), formatTime(f.GetClosedAt()), c.codes("outcome", outcomes))
		row(c.label("  persona informata", "  person informed"), c.yesNo(closing.GetPersonInformed()))
		render.Lines(row, c.label("  nota", "  note"), closing.GetNote())
	}
	for _, h := range f.GetHistory() {
		row(fmt.Sprintf("  v%d", h.GetVersion()), formatTime(h.GetAt()), h.GetWhat(), h.GetToState(),
			h.GetBy().GetPerson())
	}
}
