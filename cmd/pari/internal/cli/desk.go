package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func (c *cli) deskCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "desk", Short: "Offices that help"}
	cmd.AddCommand(c.deskFindCmd(), c.deskHoursCmd(), c.deskCalendarCmd())
	return cmd
}

func (c *cli) deskFindCmd() *cobra.Command {
	req := &directoryv1.FindOfficesRequest{}
	var openAt string
	cmd := &cobra.Command{
		Use: "find", Short: "Find an office by place, ground, channel, time, language and accessibility",
		Args: cobra.NoArgs,
		Example: "  pari desk find --territory 019036 --ground DISABILITY\n" +
			"  pari desk find --territory 004078 --open 2026-12-01T10:00\n" +
			"  pari desk find --territory 015146 --language AR --accessible STEP_FREE",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if openAt != "" {
				at, err := time.ParseInLocation("2006-01-02T15:04", openAt, tz.Rome)
				if err != nil {
					return errorf("--open è un momento in Italia come 2026-12-01T10:00, non %q",
						"--open takes a time in Italy such as 2026-12-01T10:00, not %q", openAt)
				}
				req.OpenAt = timestamppb.New(at)
			}
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.FindOffices(ctx, req)
				if err != nil {
					return err
				}
				if len(resp.GetMatches()) == 0 && c.format != "json" {
					n, err := c.explainNoMatch(ctx, directory, req)
					if err != nil {
						return err
					}
					return c.print(resp, func(row render.Row) { c.noMatchRows(n, row) })
				}
				return c.print(resp, func(row render.Row) { c.matchRows(resp.GetMatches(), row) })
			})
		},
	}
	f := cmd.Flags()
	f.Int32Var(&req.Limit, "limit", 0, "maximum number of offices, 1 to 50; default 50")
	f.StringVar(&req.Territory, "territory", "", "ISTAT code of the municipality or province")
	f.StringVar(&req.Ground, "ground", "", "pari vocabulary ground")
	f.StringVar(&req.AccessMode, "access", "", "how to reach the office; pari vocabulary access_mode")
	f.StringVar(&req.Service, "service", "", "pari vocabulary service_type")
	f.StringSliceVar(&req.Languages, "language", nil, "list offices that speak it first; pari vocabulary language")
	f.StringSliceVar(&req.Accessibility, "accessible", nil,
		"list offices that have it first; pari vocabulary accessibility")
	f.StringVar(&openAt, "open", "", "only offices open at this time in Italy, for instance 2026-12-01T10:00")
	return cmd
}

func (c *cli) matchRows(matches []*directoryv1.OfficeMatch, row render.Row) {
	row(c.label("UFFICIO", "OFFICE"), c.label("APERTO", "OPEN"), c.label("TELEFONO", "PHONE"), "E-MAIL", "ID",
		c.label("PERCHÉ", "WHY"))
	for _, m := range matches {
		o := m.GetOffice()
		phone, email := "", ""
		if len(o.GetPhones()) > 0 {
			phone = o.GetPhones()[0].GetNumber()
		}
		if len(o.GetEmails()) > 0 {
			email = o.GetEmails()[0].GetAddress()
		}
		row(o.GetName()+c.restrictedMark(o), c.openState(m.GetOpenState()), phone, email, o.GetOfficeId(),
			c.reasons(m.GetReasons()))
	}
}

func (c *cli) vocabularyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "vocabulary [LIST]", Short: "Show a code list, or the names of all lists", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.ListVocabularies(ctx, &directoryv1.ListVocabulariesRequest{Names: args})
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) {
					for _, v := range resp.GetVocabularies() {
						if len(args) == 0 {
							row(v.GetName(), len(v.GetTerms()), c.label(v.GetTitleIt(), v.GetTitleEn()))
							continue
						}
						c.termRows(v.GetTerms(), row)
					}
				})
			})
		},
	}
}

// termRows writes the codes of a list, and marks those that cannot be used today in Italy.
func (c *cli) termRows(terms []*vocabularyv1.Term, row render.Row) {
	row(c.label("CODICE", "CODE"), c.label("GRUPPO", "GROUP"), c.label("NOME", "LABEL"), c.label("DAL", "FROM"),
		c.label("AL", "TO"), "")
	today := time.Now().In(tz.Rome).Format(time.DateOnly)
	for _, t := range terms {
		mark := ""
		if t.GetValidFrom() > today || t.GetValidTo() != "" && t.GetValidTo() < today {
			mark = c.label("non valido oggi", "not valid today")
		}
		row(t.GetCode(), t.GetGroup(), c.label(t.GetLabelIt(), t.GetLabelEn()), t.GetValidFrom(), t.GetValidTo(), mark)
	}
}
