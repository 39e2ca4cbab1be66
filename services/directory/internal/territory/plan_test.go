package territory_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/internal/territory"
)

// before is the invented country as it was before the invented list of testdata.
func before() fstest.MapFS {
	return fstest.MapFS{
		"territories/regions.csv": {Data: []byte("istat_code,name,nuts\n03,Lombardia,ITC4\n")},
		"territories/provinces.csv": {Data: []byte("istat_code,name,sign,region_code,nuts,valid_from,valid_to\n" +
			"019,Cremona,CR,03,ITC4A,,\n198,Terra Vecchia,TV,03,ITC4Y,,\n")},
		"territories/towns.csv": {Data: []byte("istat_code,name,province_code,province,province_sign,region_code,cadastral_code\n" +
			"019036,Cremona,019,Cremona,CR,03,D150\n019902,Borgo Perduto,019,Cremona,CR,03,Z902\n019903,Borgo,019,Cremona,CR,03,Z903\n" +
			"198001,Riva Lunga,198,Terra Vecchia,TV,03,Z904\n")},
		"territories/changes.csv": {Data: []byte("date,kind,istat_code,successor,name,cadastral_code,source\n2020-05-01,RENAMED,019903,,Borgo,,test\n")},
	}
}

func sample(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/elenco-inventato.csv")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func convert(t *testing.T, files fstest.MapFS) territory.Plan {
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

func TestConvert(t *testing.T) {
	t.Parallel()
	const on = "2026-01-01"
	want := territory.Plan{
		Day: on,
		Changes: []territory.Change{
			{Date: on, Kind: territory.Established, Code: "019901", Name: "Città Nuova", CadastralCode: "Z901", Source: "test"},
			{Date: on, Kind: territory.Established, Code: "199001", Name: "Riva Lunga", CadastralCode: "Z904", Source: "test"},
			{Date: on, Kind: territory.Renamed, Code: "019903", Name: "Borgo Àlto", Source: "test"},
			{Date: on, Kind: territory.ProvinceChanged, Code: "198001", Successor: "199001", Name: "Riva Lunga", Source: "test"},
			{Date: on, Kind: territory.Ended, Code: "019902", Name: "Borgo Perduto", Source: "test"},
		},
		Provinces: []territory.Place{
			{Code: "199", Kind: territory.Province, Name: "Terra Inventata", Region: "03", Sign: "TI", NUTS: "ITC4Z", ValidFrom: on},
		},
		EndedProvinces: []string{"198"},
	}
	if diff := cmp.Diff(want, convert(t, before())); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

func TestPlan_Apply_LeavesNothingToPlan(t *testing.T) {
	t.Parallel()
	files := before()
	plan := convert(t, files)
	changes, provinces, err := plan.Apply(files["territories/changes.csv"].Data, files["territories/provinces.csv"].Data)
	if err != nil {
		t.Fatal(err)
	}
	files["territories/changes.csv"].Data, files["territories/provinces.csv"].Data = changes, provinces
	if again := convert(t, files); !again.Empty() {
		t.Errorf("a second time there is %+v", again)
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

func TestConvert_PlansNothingForWhatIsKnown(t *testing.T) {
	t.Parallel()
	x := index(t)
	var list strings.Builder
	list.WriteString("Codice Comune formato alfanumerico;Denominazione in italiano;Codice Catastale del comune;Sigla automobilistica;" +
		"Denominazione dell'Unità territoriale sovracomunale;Codice Regione;Denominazione Regione;Codice NUTS3 2021\n")
	for _, p := range x.ListOn(today) {
		if p.Kind == territory.Municipality {
			up := x.Parents(p.Code)
			list.WriteString(strings.Join([]string{p.Code, p.Name, p.CadastralCode, p.Sign, up[0].Name, p.Region, up[1].Name, up[0].NUTS}, ";") + "\n")
		}
	}
	plan, err := territory.NewPlan(strings.NewReader(list.String()), x.All(), today, "test")
	if err != nil || !plan.Empty() {
		t.Errorf("got %+v, %v", plan, err)
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
		Code: "019903", Name: "Borgo Àlto", CadastralCode: "Z903", Sign: "CR", ProvinceName: "Cremona", RegionCode: "03", RegionName: "Lombardia", NUTS3: "ITC4A",
	}
	if len(listed) != 4 || listed[2] != want {
		t.Errorf("got %+v", listed)
	}
	for _, c := range []struct{ name, from, to, problem string }{
		{"a heading is missing", "Sigla automobilistica", "Targa", `"sigla automobilistica"`},
		{"a code is none", "019901", "19901", "no municipality"},
		{"a code is there twice", "019901", "019036", "twice"},
		{"a sign is none", ";TI;", ";T;", "no municipality"},
		{"a province has no name", "Terra Inventata", "", "no name"},
	} {
		t.Run("tells that "+c.name, func(t *testing.T) {
			t.Parallel()
			_, err := territory.ParseISTAT(strings.NewReader(strings.ReplaceAll(string(raw), c.from, c.to)))
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %s", err, c.problem)
			}
		})
	}
	for _, empty := range []string{"", "\ufeff", "a;b\n"} {
		if _, err := territory.ParseISTAT(strings.NewReader(empty)); err == nil {
			t.Errorf("%q is a list", empty)
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
