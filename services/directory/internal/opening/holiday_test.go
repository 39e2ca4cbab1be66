package opening_test

import (
	"testing"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

func TestHolidayOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ on, place, want string }{
		{"2026-01-01", "", "Capodanno"}, {"2026-01-06", "", "Epifania"}, {"2026-04-25", "", "Festa della Liberazione"},
		{"2026-05-01", "", "Festa del lavoro"}, {"2026-08-15", "", "Assunzione di Maria"},
		{"2026-11-01", "", "Ognissanti"},
		{"2026-12-08", "", "Immacolata Concezione"}, {"2026-12-25", "", "Natale"}, {"2026-12-26", "", "Santo Stefano"},
		{"2000-06-02", "", ""}, {"2001-06-02", "", "Festa della Repubblica"},
		{"2025-10-04", "", ""}, {"2026-10-04", "", "San Francesco d'Assisi"},
		{"1989-12-25", "", ""}, {"1989-03-26", "", ""}, {"1989-12-07", "015146", ""}, {"1990-12-25", "", "Natale"},
		{"2026-12-24", "", ""},
		{"1990-04-15", "", "Pasqua"}, {"2000-04-23", "", "Pasqua"}, {"2008-03-23", "", "Pasqua"},
		{"2011-04-25", "", "Festa della Liberazione"},
		{"2024-03-31", "", "Pasqua"}, {"2024-04-01", "", "Lunedì dell'Angelo"}, {"2024-03-30", "", ""},
		{"2024-04-02", "", ""},
		{"2025-04-20", "", "Pasqua"}, {"2025-04-21", "", "Lunedì dell'Angelo"}, {"2026-04-05", "", "Pasqua"},
		{"2026-04-06", "", "Lunedì dell'Angelo"},
		{"2027-03-28", "", "Pasqua"}, {"2035-03-25", "", "Pasqua"}, {"2038-04-26", "", "Lunedì dell'Angelo"},
		{"2049-04-18", "", "Pasqua"},
		{"2026-11-13", "019036", "Sant'Omobono, patrono di Cremona"}, {"2026-11-13", "015146", ""},
		{"2026-11-13", "", ""},
		{"2026-09-29", "004078", "San Michele Arcangelo, patrono di Cuneo"},
		{"2026-12-07", "015146", "Sant'Ambrogio, patrono di Milano"},
		{"2026-12-07", "999999", ""},
	} {
		t.Run(c.on+" "+c.place, func(t *testing.T) {
			t.Parallel()
			on, err := time.Parse(time.DateOnly, c.on)
			if err != nil {
				t.Fatal(err)
			}
			got := opening.HolidayOn(on.Year(), on.Month(), on.Day(), c.place)
			if got.IT != c.want || (got.EN == "") != (c.want == "") {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}
