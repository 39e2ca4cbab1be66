package contract_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	casemanagement "github.com/retepari/pari/services/casemanagement/app"
	directory "github.com/retepari/pari/services/directory/app"
	intake "github.com/retepari/pari/services/intake/app"
	reporting "github.com/retepari/pari/services/reporting/app"
)

// otherSettings are those of every program that are no fields of its configuration; see docs/telemetry.md.
var otherSettings = []string{"PARI_LOG_LEVEL"}

// settingsOf adds the settings of a configuration and their defaults.
func settingsOf(config reflect.Type, into map[string]string) {
	for f := range config.Fields() {
		name := f.Tag.Get("env")
		switch {
		case f.Anonymous:
			settingsOf(f.Type, into)
		case name != "" && name != "-":
			into["PARI_"+name] = f.Tag.Get("envDefault")
		}
	}
}

var settingName = regexp.MustCompile("`(PARI_[A-Z_]+)`")

// settingRows returns the meanings of the settings in the table of a page, by name.
func settingRows(t *testing.T, page string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "| `PARI_") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			t.Errorf("%s: not three cells: %s", page, line)
			continue
		}
		for _, name := range settingName.FindAllStringSubmatch(cells[0], -1) {
			if _, twice := rows[name[1]]; twice {
				t.Errorf("%s: %s is there twice", page, name[1])
			}
			rows[name[1]] = cells[2]
		}
	}
	return rows
}

// Ensure that the page of each program lists its settings with their defaults, and no others.
func TestSettings_Listed(t *testing.T) {
	t.Parallel()
	for service, config := range map[string]reflect.Type{
		"intake":         reflect.TypeFor[intake.Config](),
		"casemanagement": reflect.TypeFor[casemanagement.Config](),
		"directory":      reflect.TypeFor[directory.Config](),
		"reporting":      reflect.TypeFor[reporting.Config](),
	} {
		page := filepath.Join("..", "..", "services", service, "README.md")
		want, got := map[string]string{}, settingRows(t, page)
		settingsOf(config, want)
		if len(want) < 10 {
			t.Fatalf("%s: only %d settings found", service, len(want))
		}
		for _, name := range otherSettings {
			want[name] = ""
		}
		for name, byDefault := range want {
			meaning, ok := got[name]
			if !ok {
				t.Errorf("%s does not list %s", page, name)
			}
			if byDefault != "" && !strings.Contains(meaning, "("+byDefault) {
				t.Errorf("%s: %s lacks its default (%s)", page, name, byDefault)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("%s: %s is no setting of %s", page, name, service)
			}
		}
	}
}
