package territory_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// csvFile returns a file with the given lines.
func csvFile(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
}

// country returns a small country: one region, one province and two towns, one of which merged into the other.
func country() fstest.MapFS {
	return fstest.MapFS{
		"territories/regions.csv": csvFile("istat_code,name,nuts", "03,Lombardia,ITC4"),
		"territories/provinces.csv": csvFile("istat_code,name,sign,region_code,nuts,valid_from,valid_to",
			"019,Cremona,CR,03,ITC4A,,"),
		"territories/towns.csv": csvFile(
			"istat_code,name,province_code,province,province_sign,region_code,cadastral_code",
			"019036,Cremona,019,Cremona,CR,03,D150", "019035,Crema,019,Cremona,CR,03,D142"),
		"territories/changes.csv": csvFile("date,kind,istat_code,successor,name,source",
			"2021-01-01,MERGED,019035,019036,Crema,test"),
		"territories/names.csv": csvFile("istat_code,language,name,source", "019036,fr,Crémone,test"),
		"territories/ipa.csv":   csvFile("istat_code,ipa_code,source,date", "019036,c_d150,test,2026-01-01"),
	}
}

// Ensure the files yield the places in order, with names, codes and successors.
func TestParseFS(t *testing.T) {
	t.Parallel()
	got, err := territory.ParseFS(country())
	if err != nil {
		t.Fatal(err)
	}
	want := []territory.Place{
		{Code: "03", Kind: territory.Region, Name: "Lombardia", NUTS: "ITC4"},
		{Code: "019", Kind: territory.Province, Name: "Cremona", Region: "03", Abbreviation: "CR", NUTS: "ITC4A"},
		{Code: "019036", Kind: territory.Municipality, Name: "Cremona", Names: map[string][]string{"fr": {"Crémone"}},
			Province: "019", Region: "03", Abbreviation: "CR", CadastralCode: "D150", IPACode: "c_d150"},
		{Code: "019035", Kind: territory.Municipality, Name: "Crema", Province: "019", Region: "03", Abbreviation: "CR",
			CadastralCode: "D142", ValidTo: "2020-12-31", Successor: "019036"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
	if got, err := territory.ParseFS(fstest.MapFS{}); err != nil || len(got) > 0 {
		t.Errorf("no files give %v, %v", got, err)
	}
}

// Ensure a renaming to the current name adds no former name, and a validity in order is accepted.
func TestParseFS_Renamed(t *testing.T) {
	t.Parallel()
	files := country()
	files["territories/changes.csv"] = csvFile("date,kind,istat_code,successor,name,source",
		"2021-01-01,RENAMED,019036,,Cremona,test",
		"2022-01-01,RENAMED,019036,,Cremona Nuova,test")
	files["territories/provinces.csv"] = csvFile("istat_code,name,sign,region_code,nuts,valid_from,valid_to",
		"019,Cremona,CR,03,ITC4A,,", "018,Pavia,PV,03,,2020-01-01,2020-12-31")
	places, err := territory.ParseFS(files)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := territory.NewIndex(places).ByCode("019036")
	if diff := cmp.Diff([]string{"Cremona"}, p.Former); diff != "" || p.Name != "Cremona Nuova" {
		t.Errorf("name %q, former (-want +got):\n%s", p.Name, diff)
	}
}

// Ensure each invalid row is reported with its problem.
func TestParseFS_RejectsInvalidRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, row, problem string }{
		{"a repeated code", "towns.csv", "019036,Cremona,019,Cremona,CR,03,\n", "code 019036 is listed twice"},
		{"an invalid code", "towns.csv", "19036,Cremona,019,Cremona,CR,03,\n", `"19036" is not a code`},
		{"a place without a name", "towns.csv", "019001,,019,Cremona,CR,03,\n", "has no name"},
		{"an unknown province", "towns.csv", "020001,Mantova,020,Mantova,MN,03,\n", `lies in "020"`},
		{"an unknown region", "provinces.csv", "020,Mantova,MN,04,,,\n", `lies in "04"`},
		{"an invalid abbreviation", "provinces.csv", "020,Mantova,mn,03,,,\n", `"mn" is not an abbreviation`},
		{"a change without a day", "changes.csv", ",RENAMED,019036,,Cremone,test\n", "date or source is missing"},
		{"a change without a source", "changes.csv", "2022-01-01,RENAMED,019036,,Cremone,\n",
			"date or source is missing"},
		{"a change on an impossible day", "changes.csv", "2022-02-30,RENAMED,019036,,Cremone,test\n", "not a day"},
		{"a change of an unknown kind", "changes.csv", "2022-01-01,SOLD,019036,,Cremona,test\n", `"SOLD"`},
		{"a change of an unknown place", "changes.csv", "2022-01-01,RENAMED,019099,,Cremona,test\n",
			`"019099" is unknown`},
		{"an end of an unknown place", "changes.csv", "2022-01-01,ENDED,019099,,Cremona,test\n",
			`"019099" is unknown`},
		{"changes out of order", "changes.csv", "2020-01-01,RENAMED,019036,,Cremone,test\n", "follows one on"},
		{"an end without a successor", "changes.csv", "2022-01-01,MERGED,019036,,Cremona,test\n",
			`MERGED with successor ""`},
		{"an unknown successor", "changes.csv", "2022-01-01,MERGED,019036,019099,Cremona,test\n",
			"successor 019099 does not exist"},
		{"a successor that has ended", "changes.csv", "2022-01-01,MERGED,019036,019035,Cremona,test\n",
			"successor 019035 does not exist"},
		{"an end of an ended place", "changes.csv", "2022-01-01,ENDED,019035,,Crema,test\n", "cannot end"},
		{"a new place in an unknown province", "changes.csv", "2022-01-01,ESTABLISHED,020001,,Mantova,test\n",
			`lies in "020"`},
		{"a name of an unknown place", "names.csv", "019099,fr,Crème,test\n", `"019099" is unknown`},
		{"a name in an invalid language", "names.csv", "019036,French,Crémone,test\n", `"French" is not a language`},
		{"a repeated name", "names.csv", "019036,fr,Crémone,test\n", "twice"},
		{"an empty name", "names.csv", "019036,fr,,test\n", "empty name in fr"},
		{"a province that ends before it begins", "provinces.csv", "020,Mantova,MN,03,,2020-01-02,2020-01-01\n",
			"ends before it begins"},
		{"a town that ends before it begins", "changes.csv", "2021-02-01,ESTABLISHED,019901,,Nuova,test\n" +
			"2021-02-01,ENDED,019901,,Nuova,test\n", "019901 ends before it begins"},
		{"an end with a successor that is unknown", "changes.csv", "2022-01-01,ENDED,019036,019035,Cremona,test\n",
			"ENDED with successor"},
		{"an end of a province", "changes.csv", "2022-01-01,ENDED,019,,Cremona,test\n", "cannot end"},
		{"a province as a successor", "changes.csv", "2022-01-01,MERGED,019036,019,Cremona,test\n",
			"successor 019 does not exist"},
		{"a successor that begins too late", "changes.csv", "2022-01-01,MERGED,019036,019901,Cremona,test\n" +
			"2022-01-02,ESTABLISHED,019901,,Nuova,test\n", "successor 019901 does not exist"},
		{"an IPA code of an unknown place", "ipa.csv", "019099,c_x,test,2026-01-01\n", `"019099" is unknown`},
		{"an IPA code with an invalid date", "ipa.csv", "019036,c_x,test,today\n", `"today" is not a day`},
		{"a row with too many fields", "ipa.csv", "019036,c_x,test,2026-01-01,\n", "wrong number of fields"},
		{"a second IPA code", "ipa.csv", "019036,c_x,test,2026-01-01\n", "two IPA codes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := country()
			file := files["territories/"+c.file]
			file.Data = append(file.Data, c.row...)
			if _, err := territory.ParseFS(files); err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
	t.Run("several problems at once", func(t *testing.T) {
		t.Parallel()
		files := country()
		files["territories/names.csv"] = csvFile("istat_code,language,name,source", "019099,fr,Crème,test")
		files["territories/ipa.csv"] = csvFile("istat_code")
		files["territories/towns.csv"] = csvFile("istat_code,name", "019036,Cremona")
		_, err := territory.ParseFS(files)
		for _, problem := range []string{"names.csv", "no rows", "column province_code is missing"} {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("got %v, want %q too", err, problem)
			}
		}
	})
}

// Ensure the built-in data agrees with the published numbers of places.
func TestParseFS_BuiltInData(t *testing.T) {
	t.Parallel()
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("counts municipalities as ISTAT does", func(t *testing.T) {
		t.Parallel()
		for on, want := range map[string]int{
			"2020-01-01": 7904, "2020-07-01": 7903, "2021-02-20": 7904, "2021-06-17": 7904, "2023-01-01": 7901,
			"2023-11-18": 7900,
			"2024-01-01": 7899, "2024-01-22": 7896, "2025-12-31": 7896,
		} {
			n := 0
			for _, p := range places {
				if p.Kind == territory.Municipality && p.ExistsOn(day(on)) {
					n++
				}
			}
			if n != want {
				t.Errorf("%s: %d municipalities, want %d", on, n, want)
			}
		}
	})
	t.Run("has all regions and provinces with NUTS codes", func(t *testing.T) {
		t.Parallel()
		kinds, nuts := map[territory.Kind]int{}, map[string]string{}
		for _, p := range places {
			kinds[p.Kind]++
			if p.NUTS == "" {
				continue
			}
			if other, found := nuts[p.NUTS]; found {
				t.Errorf("%s and %s are both %s", p.Code, other, p.NUTS)
			}
			nuts[p.NUTS] = p.Code
		}
		if kinds[territory.Region] != 20 || kinds[territory.Province] != 107 {
			t.Errorf("%v", kinds)
		}
		for code, want := range map[string]string{
			"ITC1": "01", "ITC4": "03", "ITC16": "004", "ITC4C": "015", "ITC4A": "019",
			"ITH10": "021", "ITH33": "025",
		} {
			if nuts[code] != want {
				t.Errorf("%s is %s, want %s", code, nuts[code], want)
			}
		}
	})
	t.Run("has a German name for each municipality of South Tyrol", func(t *testing.T) {
		t.Parallel()
		n := 0
		for _, p := range places {
			if p.Province == "021" && len(p.Names["de"]) > 0 {
				n++
			}
		}
		if n != 116 {
			t.Errorf("%d have one, want 116", n)
		}
	})
}
