package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/services/directory/app"
)

const inventedList = "../internal/territory/testdata/elenco-inventato.csv"

// country writes a folder of data with one town of the invented list.
func country(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "territories"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"regions.csv":   "istat_code,name,nuts\n03,Lombardia,ITC4\n",
		"provinces.csv": "istat_code,name,sign,region_code,nuts,valid_from,valid_to\n019,Cremona,CR,03,ITC4A,,\n",
		"towns.csv":     "istat_code,name,province_code,province,province_sign,region_code,cadastral_code\n019036,Cremona,019,Cremona,CR,03,D150\n",
		"changes.csv":   "date,kind,istat_code,successor,name,cadastral_code,source\n",
	} {
		if name == "changes.csv" {
			text += "2020-01-01,ESTABLISHED,019905,,Piccola,Z905,test\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "territories", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func territories(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := app.RunTerritories(&out, args)
	return out.String(), err
}

func TestTerritories(t *testing.T) {
	t.Parallel()
	dir := country(t)
	file := filepath.Join(dir, "territories", "changes.csv")
	read := func() string {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	before := read()

	printed, err := territories(t, "-date", "2026-01-01", "-data", dir, inventedList)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NEW_PROVINCE     199 Terra Inventata (TI)", "ESTABLISHED      019901 Città Nuova", "ENDED            019905 Piccola", "4 changes and 1 provinces"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
	if read() != before {
		t.Error("it has written without being told to")
	}

	if _, err := territories(t, "-date", "2026-01-01", "-data", dir, "-write", inventedList); err != nil {
		t.Fatal(err)
	}
	if after := read(); !strings.HasPrefix(after, before) || !strings.Contains(after, "2026-01-01,ESTABLISHED,019901,,Città Nuova,Z901,") {
		t.Errorf("it has written\n%s", after)
	}
	if printed, err := territories(t, "-date", "2026-01-01", "-data", dir, inventedList); err != nil || printed != "0 changes and 0 provinces from 2026-01-01 on\n" {
		t.Errorf("a second time it prints %q, %v", printed, err)
	}
}

func TestTerritories_Refuses(t *testing.T) {
	t.Parallel()
	dir := country(t)
	for _, c := range []struct {
		name, problem string
		args          []string
	}{
		{"no file", "usage", nil},
		{"a day that is none", "usage", []string{"-date", "tomorrow", inventedList}},
		{"to write into the program", "usage", []string{"-write", inventedList}},
		{"a file that is not there", "no such file", []string{"nowhere.csv"}},
		{"a file that is no list", "no heading begins with", []string{"territories.go"}},
		{"to write before what is there", "nothing is written", []string{"-date", "2019-01-01", "-data", dir, "-write", inventedList}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := territories(t, c.args...); err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
