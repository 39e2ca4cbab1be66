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
	opens := timestamppb.New(time.Date(2026, 12, 9, 9, 0, 0, 0, tz.Rome))
	at := time.Date(2026, 12, 8, 10, 0, 0, 0, tz.Rome)
	states := map[string]*directoryv1.OpenState{
		"unknown": {}, "closed": {Known: true, NextOpening: opens},
		"holiday": {Known: true, NextOpening: opens, HolidayIt: "Immacolata",
			Reason: directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN},
	}
	f := newFakeNetwork(t, func(_ string, req proto.Message) (proto.Message, error) {
		switch r := req.(type) {
		case *directoryv1.FindOfficesRequest:
			resp := &directoryv1.FindOfficesResponse{}
			if r.GetTerritory() == "019036" && r.GetGround() == "" && r.GetOpenAt() == nil {
				for _, id := range []string{"closed", "unknown", "holiday"} {
					o := &directoryv1.Office{OfficeId: id, Name: "Sportello"}
					resp.Matches = append(resp.Matches, &directoryv1.OfficeMatch{Office: o})
				}
			}
			return resp, nil
		case *directoryv1.GetOfficeRequest:
			if !r.GetAt().AsTime().Equal(at) {
				t.Errorf("asked for %v", r)
			}
			return &directoryv1.GetOfficeResponse{OpenState: states[r.GetOfficeId()]}, nil
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
		"desk find --territory 019036 --open 2026-12-08T10:00": {
			"nessun ufficio è aperto il 2026-12-08 alle 10:00:",
			"closed  Sportello: no, apre il 2026-12-09 alle 09:00",
			"unknown  Sportello: orari non dati",
			"holiday  Sportello: no, apre il 2026-12-09 alle 09:00 (Immacolata; non si sa se apre: chiama prima)",
			"→ pari desk hours closed --from 2026-12-08",
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
