package territory_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// country is a small country: one region, one province, two towns, of which one has gone into the other.
func country() fstest.MapFS {
	return fstest.MapFS{
		"territories/regions.csv":   {Data: []byte("istat_code,name,nuts\n03,Lombardia,ITC4\n")},
		"territories/provinces.csv": {Data: []byte("istat_code,name,sign,region_code,nuts\n019,Cremona,CR,03,ITC4A\n")},
		"territories/towns.csv": {Data: []byte("istat_code,name,province_code,province,province_sign,region_code,cadastral_code\n" +
			"019036,Cremona,019,Cremona,CR,03,D150\n019035,Crema,019,Cremona,CR,03,D142\n")},
		"territories/changes.csv": {Data: []byte("date,kind,istat_code,successor,name,source\n2021-01-01,MERGED,019035,019036,Crema,test\n")},
		"territories/names.csv":   {Data: []byte("istat_code,language,name,source\n019036,fr,Crémone,test\n")},
		"territories/ipa.csv":     {Data: []byte("istat_code,ipa_code,source,date\n019036,c_d150,test,2026-01-01\n")},
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := territory.ParseFS(country())
	if err != nil {
		t.Fatal(err)
	}
	want := []territory.Place{
		{Code: "03", Kind: territory.Region, Name: "Lombardia", NUTS: "ITC4"},
		{Code: "019", Kind: territory.Province, Name: "Cremona", Region: "03", Sign: "CR", NUTS: "ITC4A"},
		{Code: "019036", Kind: territory.Municipality, Name: "Cremona", Names: map[string][]string{"fr": {"Crémone"}}, Province: "019", Region: "03", Sign: "CR", CadastralCode: "D150", IPACode: "c_d150"},
		{Code: "019035", Kind: territory.Municipality, Name: "Crema", Province: "019", Region: "03", Sign: "CR", CadastralCode: "D142", ValidTo: "2020-12-31", Successor: "019036"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
	if got, err := territory.ParseFS(fstest.MapFS{}); err != nil || len(got) > 0 {
		t.Errorf("no files give %v, %v", got, err)
	}
}

func TestRead_Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, more, problem string }{
		{"a code that is there twice", "towns.csv", "019036,Cremona,019,Cremona,CR,03,\n", "code 019036 is there twice"},
		{"a code that is none", "towns.csv", "19036,Cremona,019,Cremona,CR,03,\n", `"19036" is not a code`},
		{"a place without a name", "towns.csv", "019001,,019,Cremona,CR,03,\n", "has no name"},
		{"an unknown province", "towns.csv", "020001,Mantova,020,Mantova,MN,03,\n", `lies in "020"`},
		{"an unknown region", "provinces.csv", "020,Mantova,MN,04,\n", `lies in "04"`},
		{"a sign that is none", "provinces.csv", "020,Mantova,mn,03,\n", `"mn" is not a sign`},
		{"a change without a day", "changes.csv", ",RENAMED,019036,,Cremone,test\n", "the day or the source"},
		{"a change without a source", "changes.csv", "2022-01-01,RENAMED,019036,,Cremone,\n", "the day or the source"},
		{"a change on an impossible day", "changes.csv", "2022-02-30,RENAMED,019036,,Cremone,test\n", "not a day"},
		{"a change of an unknown kind", "changes.csv", "2022-01-01,SOLD,019036,,Cremona,test\n", `"SOLD"`},
		{"a change of an unknown place", "changes.csv", "2022-01-01,RENAMED,019099,,Cremona,test\n", `"019099" is unknown`},
		{"changes out of order", "changes.csv", "2020-01-01,RENAMED,019036,,Cremone,test\n", "comes after"},
		{"an end without a successor", "changes.csv", "2022-01-01,MERGED,019036,,Cremona,test\n", `MERGED with the successor ""`},
		{"an unknown successor", "changes.csv", "2022-01-01,MERGED,019036,019099,Cremona,test\n", "successor 019099 does not exist"},
		{"a successor that is no more", "changes.csv", "2022-01-01,MERGED,019036,019035,Cremona,test\n", "successor 019035 does not exist"},
		{"an end of what has ended", "changes.csv", "2022-01-01,ENDED,019035,,Crema,test\n", "cannot end"},
		{"a new place in an unknown province", "changes.csv", "2022-01-01,ESTABLISHED,020001,,Mantova,test\n", `lies in "020"`},
		{"a name of an unknown place", "names.csv", "019099,fr,Crème,test\n", `"019099" is unknown`},
		{"a name in no language", "names.csv", "019036,French,Crémone,test\n", `"French" is not a language`},
		{"a name that is there twice", "names.csv", "019036,fr,Crémone,test\n", "twice"},
		{"a second IPA code", "ipa.csv", "019036,c_x,test,2026-01-01\n", "two IPA codes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := country()
			file := files["territories/"+c.file]
			file.Data = append(file.Data, c.more...)
			if _, err := territory.ParseFS(files); err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
	t.Run("several things at once", func(t *testing.T) {
		t.Parallel()
		files := country()
		files["territories/names.csv"].Data = []byte("istat_code,language,name,source\n019099,fr,Crème,test\n")
		files["territories/ipa.csv"].Data = []byte("istat_code\n")
		if _, err := territory.ParseFS(files); err == nil || !strings.Contains(err.Error(), "names.csv") || !strings.Contains(err.Error(), "no rows") {
			t.Errorf("got %v, want both problems", err)
		}
	})
}

func TestData(t *testing.T) {
	t.Parallel()
	places, err := territory.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("counts municipalities as ISTAT does", func(t *testing.T) {
		t.Parallel()
		for on, want := range map[string]int{
			"2020-01-01": 7904, "2020-07-01": 7903, "2021-02-20": 7904, "2021-06-17": 7904, "2023-01-01": 7901, "2023-11-18": 7900,
			"2024-01-01": 7899, "2024-01-22": 7896, "2025-12-31": 7896,
		} {
			n := 0
			for _, p := range places {
				if p.Kind == territory.Municipality && p.ExistsOn(day(on)) {
					n++
				}
			}
			if n != want {
				t.Errorf("on %s there are %d, want %d", on, n, want)
			}
		}
	})
	t.Run("has all regions and provinces, with NUTS codes", func(t *testing.T) {
		t.Parallel()
		kinds, nuts := map[territory.Kind]int{}, map[string]string{}
		for _, p := range places {
			kinds[p.Kind]++
			if p.NUTS == "" {
				continue
			}
			if other, twice := nuts[p.NUTS]; twice {
				t.Errorf("%s and %s are both %s", p.Code, other, p.NUTS)
			}
			nuts[p.NUTS] = p.Code
		}
		if kinds[territory.Region] != 20 || kinds[territory.Province] != 107 {
			t.Errorf("%v", kinds)
		}
		for code, want := range map[string]string{"ITC1": "01", "ITC4": "03", "ITC16": "004", "ITC4C": "015", "ITC4A": "019", "ITH10": "021", "ITH33": "025"} {
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
