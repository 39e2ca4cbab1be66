package territory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/internal/territory"
)

func codes(places []territory.Place) []string {
	var out []string
	for _, p := range places {
		out = append(out, p.Code)
	}
	return out
}

// Ensure parents and children agree with the built-in data.
func TestIndex_ParentsAndChildren(t *testing.T) {
	t.Parallel()
	x := index(t)
	if diff := cmp.Diff([]string{"019", "03"}, codes(x.Parents("019036"))); diff != "" {
		t.Error("parents of Cremona:\n" + diff)
	}
	if got := x.Parents("03"); len(got) > 0 {
		t.Errorf("a region lies in %v", codes(got))
	}
	if diff := cmp.Diff([]string{"001", "002", "003", "004", "005", "006", "096", "103"},
		codes(childrenOn(x, "01", today))); diff != "" {
		t.Error("provinces of Piemonte:\n" + diff)
	}
	for on, want := range map[string]int{"2022-12-31": 118, "2023-01-01": 117} {
		if got := len(childrenOn(x, "005", day(on))); got != want {
			t.Errorf("Asti has %d municipalities on %s, want %d", got, on, want)
		}
	}
}

func TestIndex_Current(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, c := range []struct{ code, on, want string }{
		{"019036", "2026-01-01", "019036"}, {"041032", "2020-06-30", "041032"}, {"041032", "2020-07-01", "041044"},
		{"012095", "2024-01-01", "012144"}, {"012144", "2022-01-01", ""}, {"999999", "2022-01-01", ""},
	} {
		if got, _ := x.Current(c.code, day(c.on)); got.Code != c.want {
			t.Errorf("%s is %q on %s, want %q", c.code, got.Code, c.on, c.want)
		}
	}
}

// Ensure a place that does not exist yet has no successor, even if a later merger is known.
func TestIndex_Current_BeforeStart(t *testing.T) {
	t.Parallel()
	files := country()
	files["territories/changes.csv"] = csvFile("date,kind,istat_code,successor,name,source",
		"2021-02-01,ESTABLISHED,019901,,Nuova,test", "2022-01-01,MERGED,019901,019036,Nuova,test")
	places, err := territory.ParseFS(files)
	if err != nil {
		t.Fatal(err)
	}
	x := territory.NewIndex(places)
	if p, _ := x.ByCode("019901"); p.CadastralCode != "" {
		t.Errorf("a file without the column gives the cadastral code %q", p.CadastralCode)
	}
	for on, want := range map[string]string{
		"2021-01-31": "", "2021-02-01": "019901", "2021-12-31": "019901", "2022-01-01": "019036",
	} {
		if got, _ := x.Current("019901", day(on)); got.Code != want {
			t.Errorf("on %s it is %q, want %q", on, got.Code, want)
		}
	}
}

func TestIndex_ByCode_HasIPACode(t *testing.T) {
	t.Parallel()
	x := index(t)
	for code, want := range map[string]string{
		"019036": "c_d150", "004078": "c_d205", "015146": "c_f205", "01": "r_piemon",
		"03": "r_lombar",
	} {
		if p, _ := x.ByCode(code); p.IPACode != want {
			t.Errorf("%s has %q, want %q", code, p.IPACode, want)
		}
	}
}
