package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

func (c *cli) placeCmd() *cobra.Command {
	req := &directoryv1.ResolveTerritoryRequest{}
	cmd := &cobra.Command{
		Use: "place NAME", Short: "Find the ISTAT code of a place by its name",
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  pari place Crema\n  pari place 'Castro (BG)'\n  pari place provincia di Cremona\n" +
			"  pari place Monteciccardo --date 2020-01-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = strings.Join(args, " ")
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.ResolveTerritory(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.candidateRows(resp.GetCandidates(), row) })
			})
		},
	}
	cmd.Flags().StringVar(&req.Date, "date", "", "day on which it must exist, for instance 2020-01-01; else today")
	cmd.Flags().Int32Var(&req.Limit, "limit", 0, "maximum number of places, 1 to 20; default 10")
	return cmd
}

func (c *cli) candidateRows(candidates []*directoryv1.TerritoryCandidate, row render.Row) {
	if len(candidates) == 0 {
		row(c.label("nessun luogo ha un nome simile", "no place has a name like this"))
		return
	}
	row(c.label("CODICE", "CODE"), c.label("LUOGO", "PLACE"), c.label("LIVELLO", "LEVEL"),
		c.label("PROVINCIA", "PROVINCE"), c.label("REGIONE", "REGION"), c.label("PERCHÉ", "WHY"),
		c.label("PUNTI", "SCORE"))
	for _, candidate := range candidates {
		t := candidate.GetTerritory()
		row(t.GetCode(), t.GetName(), shortEnum(t.GetKind().String()), t.GetSign(), t.GetRegionName(),
			shortEnum(candidate.GetReason().String()), fmt.Sprintf("%.2f", candidate.GetScore()))
	}
}
