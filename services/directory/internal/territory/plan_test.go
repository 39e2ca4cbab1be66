package territory_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/internal/territory"
)

// before returns the invented country as it was before the invented list in testdata.
func before() fstest.MapFS {
	return fstest.MapFS{
		"territories/regions.csv": csvFile("istat_code,name,nuts", "03,Lombardia,ITC4"),
		"territories/provinces.csv": csvFile("istat_code,name,sign,region_code,nuts,valid_from,valid_to",
			"019,Cremona,CR,03,ITC4A,,", "198,Terra Vecchia,TV,03,ITC4Y,,"),
		"territories/towns.csv": csvFile(
			"istat_code,name,province_code,province,province_sign,region_code,cadastral_code",
			"019036,Cremona,019,Cremona,CR,03,D150",
			"019902,Borgo Perduto,019,Cremona,CR,03,Z902",
			"019903,Borgo,019,Cremona,CR,03,Z903",
			"198001,Riva Lunga,198,Terra Vecchia,TV,03,Z904"),
		"territories/changes.csv": csvFile("date,kind,istat_code,successor,name,cadastral_code,source",
			"2020-05-01,RENAMED,019903,,Borgo,,test"),
	}
}

// sample returns the invented list in testdata.
func sample(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/elenco-inventato.csv")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// newPlan plans the changes of the invented list for the places in files.
func newPlan(t *testing.T, files fstest.MapFS) territory.Plan {
	t.Helper()
	places, err := territory.ParseFS(files)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := territory.NewPlan(bytes.NewReader(sample(t)), places, day("2026-01-01"), "test")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Ensure a plan holds new, renamed, moved and ended places in order.
func TestNewPlan(t *testing.T) {
	t.Parallel()
	const on = "2026-01-01"
	want := territory.Plan{
		Day: on,
		Changes: []territory.Change{
			{Date: on, Kind: territory.Established, Code: "019901", Name: "Città Nuova", CadastralCode: "Z901",
				Source: "test"},
			{Date: on, Kind: territory.Established, Code: "199001", Name: "Riva Lunga", CadastralCode: "Z904",
				Source: "test"},
			{Date: on, Kind: territory.Renamed, Code: "019903", Name: "Borgo Àlto", Source: "test"},
			{Date: on, Kind: territory.ProvinceChanged, Code: "198001", Successor: "199001", Name: "Riva Lunga",
				Source: "test"},
			{Date: on, Kind: territory.Ended, Code: "019902", Name: "Borgo Perduto", Source: "test"},
		},
		Provinces: []territory.Place{
			{Code: "199", Kind: territory.Province, Name: "Terra Inventata", Region: "03", Abbreviation: "TI",
				NUTS: "ITC4Z", ValidFrom: on},
		},
		EndedProvinces: []string{"198"},
	}
	if diff := cmp.Diff(want, newPlan(t, before())); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

// Ensure a second plan after Apply is empty, and the files are consistent.
func TestPlan_Apply(t *testing.T) {
	t.Parallel()
	files := before()
	plan := newPlan(t, files)
	changes, provinces,
		err := plan.Apply(files["territories/changes.csv"].Data, files["territories/provinces.csv"].Data)
	if err != nil {
		t.Fatal(err)
	}
	files["territories/changes.csv"].Data, files["territories/provinces.csv"].Data = changes, provinces
	if again := newPlan(t, files); !again.Empty() {
		t.Errorf("second plan is %+v", again)
	}
	places, err := territory.ParseFS(files)
	if err != nil {
		t.Fatal(err)
	}
	x := territory.NewIndex(places)
	for code, want := range map[string]string{"198001": "199001", "019036": "019036", "198": "", "019902": ""} {
		if got, _ := x.Current(code, day("2026-01-01")); got.Code != want {
			t.Errorf("%s is %q now, want %q", code, got.Code, want)
		}
	}
	if p, _ := x.ByCode("198"); p.ValidTo != "2025-12-31" {
		t.Errorf("the old province lasts until %q", p.ValidTo)
	}
}

// Ensure a list that equals the built-in data yields an empty plan.
func TestNewPlan_IsEmptyForKnownPlaces(t *testing.T) {
	t.Parallel()
	x := index(t)
	var list strings.Builder
	list.WriteString("Codice Comune formato alfanumerico;Denominazione in italiano;Codice Catastale del comune;" +
		"Sigla automobilistica;Denominazione dell'Unità territoriale sovracomunale;Codice Regione;" +
		"Denominazione Regione;Codice NUTS3 2021\n")
	for _, p := range placesOn(x, today) {
		if p.Kind == territory.Municipality {
			up := x.Parents(p.Code)
			list.WriteString(strings.Join([]string{
				p.Code, p.Name, p.CadastralCode, p.Abbreviation, up[0].Name, p.Region, up[1].Name, up[0].NUTS,
			}, ";") + "\n")
		}
	}
	plan, err := territory.NewPlan(strings.NewReader(list.String()), x.All(), today, "test")
	if err != nil || !plan.Empty() {
		t.Errorf("got %+v, %v", plan, err)
	}
}

// Ensure a list that contradicts the known places is rejected, and so is one that does not parse.
func TestNewPlan_RejectsUnknownRegionAndEndedPlace(t *testing.T) {
	t.Parallel()
	region := territory.Place{Code: "03", Kind: territory.Region, Name: "Lombardia"}
	ended := territory.Place{
		Code: "019036", Kind: territory.Municipality, Name: "Cremona", Province: "019",
		Region: "03", ValidTo: "2025-12-31",
	}
	for _, c := range []struct {
		name    string
		list    []byte
		places  []territory.Place
		problem string
	}{
		{"an unknown region", sample(t), nil, "region 03 (Lombardia)"},
		{"an ended municipality", sample(t), []territory.Place{region, ended}, "019036 exists only from"},
		{"an empty list", nil, []territory.Place{region}, "no rows"},
	} {
		_, err := territory.NewPlan(bytes.NewReader(c.list), c.places, day("2026-01-01"), "test")
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.problem)
		}
	}
}

// Ensure files with other columns and a plan without a day are rejected.
func TestPlan_Apply_RejectsInvalidInput(t *testing.T) {
	t.Parallel()
	files := before()
	changes, provinces := files["territories/changes.csv"].Data, files["territories/provinces.csv"].Data
	plan := newPlan(t, files)
	withoutDay := plan
	withoutDay.Day = ""
	for _, c := range []struct {
		name               string
		plan               territory.Plan
		changes, provinces []byte
	}{
		{"no day", withoutDay, changes, provinces},
		{"other columns of changes", plan, provinces, provinces},
		{"other columns of provinces", plan, changes, changes},
		{"empty changes", plan, nil, provinces},
		{"invalid CSV", plan, append(slices.Clone(changes), '"'), provinces},
	} {
		if _, _, err := c.plan.Apply(c.changes, c.provinces); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

// Ensure each kind of change makes a plan non-empty.
func TestPlan_Empty(t *testing.T) {
	t.Parallel()
	if !(territory.Plan{Day: "2026-01-01"}).Empty() {
		t.Error("a plan without changes is not empty")
	}
	for _, p := range []territory.Plan{
		{Changes: make([]territory.Change, 1)}, {Provinces: make([]territory.Place, 1)},
		{EndedProvinces: []string{"198"}},
	} {
		if p.Empty() {
			t.Errorf("%+v is empty", p)
		}
	}
}

func TestParseISTAT(t *testing.T) {
	t.Parallel()
	raw := sample(t)
	listed, err := territory.ParseISTAT(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := territory.ISTATRow{
		Code: "019903", Name: "Borgo Àlto", CadastralCode: "Z903", Abbreviation: "CR", ProvinceName: "Cremona",
		RegionCode: "03", RegionName: "Lombardia", NUTS3: "ITC4A",
	}
	if len(listed) != 4 || listed[2] != want {
		t.Errorf("got %+v", listed)
	}
	for _, c := range []struct{ name, from, to, problem string }{
		{"a heading is missing", "Sigla automobilistica", "Targa", `"sigla automobilistica"`},
		{"a code is missing", "019901", "", "invalid municipality"},
		{"a code is invalid", "019901", "19901", "invalid municipality"},
		{"a code is repeated", "019901", "019036", "twice"},
		{"an abbreviation is invalid", ";TI;", ";T;", "invalid municipality"},
		{"a municipality has no name", "Riva Lunga", "", "no name"},
		{"a region is invalid", "\n03;", "\n3;", "invalid municipality"},
		{"a province has no name", "Terra Inventata", "", "no name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := territory.ParseISTAT(strings.NewReader(strings.ReplaceAll(string(raw), c.from, c.to)))
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %s", err, c.problem)
			}
		})
	}
	for _, empty := range []string{"", "\ufeff", "a;b\n"} {
		if _, err := territory.ParseISTAT(strings.NewReader(empty)); err == nil {
			t.Errorf("%q parses", empty)
		}
	}
}

// Ensure short lines after the table are ignored, Windows-1252 is decoded, and the first NUTS column counts.
func TestParseISTAT_Format(t *testing.T) {
	t.Parallel()
	const headings = "Codice Comune formato alfanumerico;Denominazione in italiano;Codice Catastale del comune;" +
		"Sigla automobilistica;Denominazione dell'Unit\xe0 territoriale sovracomunale;Codice Regione;" +
		"Denominazione Regione;Codice NUTS3 2021;Codice NUTS3 2024\n"
	rows, err := territory.ParseISTAT(strings.NewReader(headings +
		"098901;Sant\x92Angelo;Z905;LO;Lodi;03;Lombardia;ITC49;ITC4X\n;Nota\n\nNota\n"))
	if err == nil {
		t.Errorf("a note in the column of names gives %v", rows)
	}
	rows, err = territory.ParseISTAT(strings.NewReader(headings +
		"098901;Sant\x92Angelo;Z905;LO;Lodi;03;Lombardia;ITC49;ITC4X\n;\n\n"))
	want := []territory.ISTATRow{{
		Code: "098901", Name: "Sant’Angelo", CadastralCode: "Z905", Abbreviation: "LO", ProvinceName: "Lodi",
		RegionCode: "03", RegionName: "Lombardia", NUTS3: "ITC49",
	}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if rows, err := territory.ParseISTAT(strings.NewReader(headings + ";\n;;\n")); err == nil {
		t.Errorf("a list without rows gives %v", rows)
	}
	if _, err := territory.ParseISTAT(strings.NewReader(headings + ";Nota\n")); err == nil ||
		strings.Contains(err.Error(), "no rows") {
		t.Errorf("a list with an invalid row only gives %v", err)
	}
	if rows, err := territory.ParseISTAT(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken reader gives %v, %v", rows, err)
	}
}

// Ensure a missing cadastral code is not taken for a common one.
func TestNewPlan_WithoutCadastralCode(t *testing.T) {
	t.Parallel()
	files := before()
	towns := files["territories/towns.csv"]
	towns.Data = bytes.ReplaceAll(towns.Data, []byte("Z902"), nil)
	places, err := territory.ParseFS(files)
	if err != nil {
		t.Fatal(err)
	}
	list := bytes.ReplaceAll(sample(t), []byte("Z901"), nil)
	plan, err := territory.NewPlan(bytes.NewReader(list), places, day("2026-01-01"), "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		if c.Code == "019902" && (c.Kind != territory.Ended || c.Successor != "") {
			t.Errorf("got %+v", c)
		}
	}
}

func FuzzParseISTAT(f *testing.F) {
	raw, err := os.ReadFile("testdata/elenco-inventato.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("\"a;b\nc"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		listed, err := territory.ParseISTAT(bytes.NewReader(raw))
		if err == nil && len(listed) == 0 {
			t.Fatal("neither municipalities nor a problem")
		}
	})
}
