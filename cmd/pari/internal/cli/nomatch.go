package cli

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// maxExplained is how many offices a search without a result explains.
const maxExplained = 5

// noMatch says why a search found no office, as far as the directory knows.
type noMatch struct {
	reason text
	// offices are those that would be found at another time or with fewer conditions.
	offices []string
	next    text
}

// explainNoMatch searches again with fewer conditions.
func (c *cli) explainNoMatch(
	ctx context.Context, directory directoryClient, req *directoryv1.FindOfficesRequest,
) (n noMatch, err error) {
	if req.GetOpenAt() != nil {
		anyTime := &directoryv1.FindOfficesRequest{
			Territory: req.GetTerritory(), Ground: req.GetGround(), AccessMode: req.GetAccessMode(),
			Service: req.GetService(), Limit: maxExplained,
		}
		resp, err := directory.FindOffices(ctx, anyTime)
		if err != nil {
			return n, err
		}
		if len(resp.GetMatches()) > 0 {
			return c.explainClosed(ctx, directory, resp.GetMatches(), req.GetOpenAt())
		}
	}
	resp, err := directory.FindOffices(ctx, &directoryv1.FindOfficesRequest{
		Territory: req.GetTerritory(), Limit: maxExplained,
	})
	if err != nil {
		return n, err
	}
	if len(resp.GetMatches()) == 0 {
		if req.GetTerritory() == "" {
			return noMatch{
				reason: text{"il repertorio non ha uffici", "the directory has no offices"},
				next:   text{"pari directory status", "pari directory status"},
			}, nil
		}
		return noMatch{
			reason: text{"nessun ufficio serve questo luogo (" + req.GetTerritory() + ")",
				"no office serves this place (" + req.GetTerritory() + ")"},
			next: text{"pari desk find mostra tutti gli uffici; pari place NOME controlla il codice del luogo",
				"pari desk find shows all offices; pari place NAME checks the code of the place"},
		}, nil
	}
	for _, m := range resp.GetMatches() {
		n.offices = append(n.offices, m.GetOffice().GetOfficeId()+"  "+m.GetOffice().GetName())
	}
	n.reason = text{"uffici ci sono, ma nessuno dà ciò che chiedono --ground, --service e --access:",
		"there are offices, but none gives what --ground, --service and --access ask for:"}
	n.next = text{"lo stesso comando senza una di queste opzioni", "the same command without one of these options"}
	return n, nil
}

// explainClosed says of offices that are closed at a time why, and when they open next.
func (c *cli) explainClosed(
	ctx context.Context, directory directoryClient, matches []*directoryv1.OfficeMatch, at *timestamppb.Timestamp,
) (n noMatch, err error) {
	n.reason = text{
		"nessun ufficio è aperto il " + momentIt(at) + ":", "no office is open on " + formatTime(at) + ":",
	}
	for _, m := range matches {
		id := m.GetOffice().GetOfficeId()
		resp, err := directory.GetOffice(ctx, &directoryv1.GetOfficeRequest{OfficeId: id, At: at})
		if err != nil {
			return n, err
		}
		state := c.openState(resp.GetOpenState())
		n.offices = append(n.offices, fmt.Sprintf("%s  %s: %s", id, m.GetOffice().GetName(), state))
	}
	command := "pari desk hours " + matches[0].GetOffice().GetOfficeId() + " --from " + formatDay(at)
	n.next = text{command + " mostra quando apre", command + " shows when it opens"}
	return n, nil
}

func (c *cli) noMatchRows(n noMatch, row render.Row) {
	row(n.reason.in(c.lang))
	for _, office := range n.offices {
		row("  " + office)
	}
	row("→ " + n.next.in(c.lang))
}
