package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/services/directory/app"
)

const inventedList = "../internal/territory/testdata/elenco-inventato.csv"

// newDataDir writes a data folder with one town of the invented list.
func newDataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "territories"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"regions.csv":   "istat_code,name,nuts\n03,Lombardia,ITC4\n",
		"provinces.csv": "istat_code,name,sign,region_code,nuts,valid_from,valid_to\n019,Cremona,CR,03,ITC4A,,\n",
		"towns.csv": "istat_code,name,province_code,province,province_sign,region_code,cadastral_code\n" +
			"019036,Cremona,019,Cremona,CR,03,D150\n",
		"changes.csv": "date,kind,istat_code,successor,name,cadastral_code,source\n" +
			"2020-01-01,ESTABLISHED,019905,,Piccola,Z905,test\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "territories", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runTerritories returns the output of the command.
func runTerritories(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := app.RunTerritories(&out, args)
	return out.String(), err
}

func TestRunTerritories(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	file := filepath.Join(dir, "territories", "changes.csv")
	read := func() string {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	before := read()

	printed, err := runTerritories(t, "-date", "2026-01-01", "-data", dir, inventedList)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"NEW_PROVINCE     199 Terra Inventata (TI)", "ESTABLISHED      019901 Città Nuova",
		"ENDED            019905 Piccola", "4 changes and 1 provinces",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
	if read() != before {
		t.Error("changes.csv has changed without -write")
	}

	if _, err := runTerritories(t, "-date", "2026-01-01", "-data", dir, "-write", inventedList); err != nil {
		t.Fatal(err)
	}
	after := read()
	if !strings.HasPrefix(after, before) ||
		!strings.Contains(after, "2026-01-01,ESTABLISHED,019901,,Città Nuova,Z901,") {
		t.Errorf("changes.csv contains\n%s", after)
	}
	printed, err = runTerritories(t, "-date", "2026-01-01", "-data", dir, inventedList)
	if err != nil || printed != "0 changes and 0 provinces from 2026-01-01 on\n" {
		t.Errorf("the second run prints %q, %v", printed, err)
	}
}

func TestRunTerritories_Refuses(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	for _, c := range []struct {
		name, problem string
		args          []string
	}{
		{"no file", "usage", nil},
		{"an invalid day", "usage", []string{"-date", "tomorrow", inventedList}},
		{"-write without a data folder", "usage", []string{"-write", inventedList}},
		{"a missing file", "no such file", []string{"nowhere.csv"}},
		{"a file that is not a list", "no heading begins with", []string{"territories.go"}},
		{"changes before the existing ones", "nothing is written",
			[]string{"-date", "2019-01-01", "-data", dir, "-write", inventedList}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := runTerritories(t, c.args...); err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
