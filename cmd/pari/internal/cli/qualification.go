package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

func (c *cli) directoryQualificationsCmd() *cobra.Command {
	req := &directoryv1.ListQualificationsRequest{PageSize: 200}
	cmd := &cobra.Command{
		Use: "qualifications [OFFICE]", Short: "Show how many operators are trained in what, and until when",
		Args: cobra.MaximumNArgs(1),
		Example: "  pari directory qualifications --of cremona\n" +
			"  pari directory qualifications cremona-sportello --on 2027-01-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				req.OfficeId = strings.TrimPrefix(args[0], "office/")
			}
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				all, err := allQualifications(ctx, directory, req)
				if err != nil {
					return err
				}
				return c.print(all, func(row render.Row) { c.qualificationRows(all, row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Node, "of", "", "only offices of this node")
	cmd.Flags().StringVar(&req.Date, "on", "", "day, for instance 2027-01-01; empty: today")
	return cmd
}

// allQualifications reads all pages of a list.
func allQualifications(
	ctx context.Context, directory directoryClient, req *directoryv1.ListQualificationsRequest,
) (*directoryv1.ListQualificationsResponse, error) {
	all := &directoryv1.ListQualificationsResponse{}
	for {
		page, err := directory.ListQualifications(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Qualifications = append(all.Qualifications, page.GetQualifications()...)
		all.Date, all.Freshness = page.GetDate(), page.GetFreshness()
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all, nil
		}
	}
}

func (c *cli) qualificationRows(all *directoryv1.ListQualificationsResponse, row render.Row) {
	if len(all.GetQualifications()) == 0 {
		row(c.label("nessun corso ha contato operatori di queste sedi fino al "+all.GetDate(),
			"no course has counted operators of these offices until "+all.GetDate()))
		row("→ pari directory list course")
		return
	}
	row(c.label("SEDE", "OFFICE"), c.label("FORMAZIONE", "TRAINING"), c.label("QUALIFICATI", "QUALIFIED"),
		c.label("SCADUTI", "EXPIRED"), c.label("PROSSIMA SCADENZA", "NEXT EXPIRY"), c.label("QUANTI", "HOW MANY"),
		c.label("DALLE EDIZIONI", "FROM EDITIONS"))
	for _, q := range all.GetQualifications() {
		nextExpiry, persons := c.label("nessuna", "none"), any("")
		if q.GetNextExpiry() != "" {
			nextExpiry, persons = q.GetNextExpiry(), q.GetNextExpiring()
		}
		var editions []string
		for _, e := range q.GetEditions() {
			if e.GetTo() == q.GetNextExpiry() {
				editions = append(editions, e.GetCourse()+" "+e.GetEdition())
			}
		}
		row(q.GetOffice(), q.GetTrainingKind(), q.GetQualified(), q.GetExpired(), nextExpiry, persons,
			strings.Join(editions, ", "))
	}
}
