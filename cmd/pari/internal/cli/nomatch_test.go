package cli

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure that a search that finds nothing says so and why, with a next step, and that this is no error.
func TestDeskFind_FindsNothing(t *testing.T) {
	t.Parallel()
	opens := time.Date(2026, 12, 1, 9, 0, 0, 0, tz.Rome)
	openings := map[string]*directoryv1.ListOpeningsResponse{
		"closed": {Known: true}, "unknown": {},
		"morning": {Known: true, Openings: []*directoryv1.TimeSpan{
			{From: timestamppb.New(opens), To: timestamppb.New(opens.Add(3 * time.Hour))},
		}},
	}
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		switch r := req.(type) {
		case *directoryv1.FindOfficesRequest:
			resp := &directoryv1.FindOfficesResponse{}
			if r.GetTerritory() == "019036" && r.GetGround() == "" && r.GetOpenAt() == nil {
				for _, id := range []string{"closed", "unknown", "morning"} {
					o := &directoryv1.Office{OfficeId: id, Name: "Sportello"}
					resp.Matches = append(resp.Matches, &directoryv1.OfficeMatch{Office: o})
				}
			}
			return resp, nil
		case *directoryv1.ListOpeningsRequest:
			return openings[r.GetOfficeId()], nil
		}
		return nil, nil
	})
	for args, want := range map[string][]string{
		"desk find":                              {"il repertorio non ha uffici", "→ pari directory status"},
		"desk find --territory 004078":           {"nessun ufficio serve questo luogo (004078)", "→ pari desk find"},
		"desk find --territory 004078 --lang en": {"no office serves this place (004078)", "→ pari desk find shows"},
		"desk find --territory 019036 --ground AG": {
			"nessuno dà ciò che chiedono", "closed", "→ lo stesso comando senza",
		},
		"desk find --territory 019036 --open 2026-12-01T20:00": {
			"nessun ufficio è aperto alle 2026-12-01 20:00", "closed  Sportello: chiuso tutto il giorno",
			"unknown  Sportello: orari non dati", "morning  Sportello: quel giorno apre 09:00-12:00",
			"→ pari desk hours closed --from 2026-12-01",
		},
		"desk find --territory 004078 -o json": {`"matches"`},
	} {
		out, errOut, code := f.run(t, strings.Fields(args)...)
		if code != 0 || errOut != "" {
			t.Errorf("%s: exit %d, %s", args, code, errOut)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is missing: %s", args, w, out)
			}
		}
	}
}
