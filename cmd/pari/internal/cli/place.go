package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

func (c *cli) place() *cobra.Command {
	req := &directoryv1.ResolveTerritoryRequest{}
	cmd := &cobra.Command{
		Use: "place NAME", Short: "Find the ISTAT code of a place by its name", Args: cobra.MinimumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		Example: "  pari place Crema\n  pari place 'Castro (BG)'\n  pari place provincia di Cremona\n  pari place Monteciccardo --date 2020-01-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = strings.Join(args, " ")
			return c.ask(cmd.Context(), "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := directoryv1.NewDirectoryServiceClient(conn).ResolveTerritory(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					if len(answer.GetCandidates()) == 0 {
						row(c.label("nessun luogo ha un nome simile", "no place has a name like this"))
						return
					}
					row(c.label("CODICE", "CODE"), c.label("LUOGO", "PLACE"), c.label("LIVELLO", "LEVEL"), c.label("PROVINCIA", "PROVINCE"),
						c.label("REGIONE", "REGION"), c.label("PERCHÉ", "WHY"), c.label("PUNTI", "SCORE"))
					for _, found := range answer.GetCandidates() {
						p := found.GetTerritory()
						row(p.GetCode(), p.GetName(), short(p.GetKind().String()), p.GetSign(), p.GetRegionName(), short(found.GetReason().String()),
							fmt.Sprintf("%.2f", found.GetScore()))
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&req.Date, "date", "", "day on which it must exist, for instance 2020-01-01; else today")
	cmd.Flags().Int32Var(&req.Limit, "limit", 0, "candidates at most, 1 to 20; else 10")
	return cmd
}
