package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/files"
)

func (c *cli) directoryStaleCmd() *cobra.Command {
	months := 0
	req := &directoryv1.ListEntriesRequest{}
	cmd := &cobra.Command{
		Use: "stale", Short: "Show by node what has not been checked for long, the oldest first", Args: cobra.NoArgs,
		Example: "  pari directory stale --of cremona\n  pari directory stale --months 6",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if months < 1 || months > 1200 {
				return errorf("--months va da 1 a 1200, non %d",
					"--months takes 1 to 1200, not %d", months)
			}
			now := time.Now().In(tz.Rome)
			req.VerifiedBefore = files.StaleCutoff(now, months)
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := allEntries(ctx, directory, req)
				if err != nil {
					return err
				}
				resp.Entries = slices.DeleteFunc(resp.GetEntries(), func(e *directoryv1.Entry) bool {
					return !files.IsStale(e, req.GetVerifiedBefore(), now.Format(time.DateOnly))
				})
				sortByVerification(resp.GetEntries())
				return c.print(resp, func(row render.Row) {
					c.staleRows(resp.GetEntries(), req.GetVerifiedBefore(), row)
				})
			})
		},
	}
	cmd.Flags().IntVar(&months, "months", files.DefaultStaleMonths, "months since the last check")
	cmd.Flags().StringVar(&req.Node, "of", "", "only entries of this node")
	return cmd
}

// sortByVerification sorts entries by node, then by the day of the last verification. Entries that were never verified
// are the first of their node.
func sortByVerification(entries []*directoryv1.Entry) {
	slices.SortStableFunc(entries, func(a, b *directoryv1.Entry) int {
		return cmp.Or(
			cmp.Compare(files.NodeOf(a), files.NodeOf(b)), cmp.Compare(files.VerifiedOn(a), files.VerifiedOn(b)),
		)
	})
}

func (c *cli) staleRows(entries []*directoryv1.Entry, before string, row render.Row) {
	if len(entries) == 0 {
		row(c.label("tutto è stato verificato dal "+before+" in poi", "everything was checked on or after "+before))
		return
	}
	row(c.label("NODO", "NODE"), c.label("VOCE", "ENTRY"), c.label("VERIFICATA IL", "CHECKED ON"),
		c.label("FONTE", "SOURCE"))
	for _, e := range entries {
		node := cmp.Or(files.NodeOf(e), c.label("(di nessun nodo)", "(of no node)"))
		verified := cmp.Or(files.VerifiedOn(e), c.label("mai", "never"))
		row(node, files.RefOf(e), verified, files.Source(e))
	}
	format := c.label("%d da rivedere. Controlla la fonte, scrivi il giorno in verified_on, poi proponi:",
		"%d to look at again. Check the source, write the day in verified_on, then propose:")
	row(fmt.Sprintf(format, len(entries)))
	row("→ pari directory edit ./directory")
	row(fmt.Sprintf("→ $EDITOR ./directory/%s.yaml", files.RefOf(entries[0])))
	row(fmt.Sprintf("→ pari directory apply ./directory --reason %q --as editor", c.label("verificato", "checked")))
}
