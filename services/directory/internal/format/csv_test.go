package format_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

func parseCSV(t rapid.TB, raw []byte, err error) [][]string {
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestEncodeCSV(t *testing.T) {
	t.Parallel()
	offices := []*directoryv1.Office{seed(t, "cremona-sportello"), seed(t, "milano-casa-dei-diritti")}
	raw, err := format.EncodeCSV(offices)
	rows := parseCSV(t, raw, err)
	cell := func(row int, name string) string {
		for i, n := range rows[0] {
			if n == name {
				return rows[row][i]
			}
		}
		t.Fatalf("no column %s", name)
		return ""
	}
	for _, want := range []struct {
		row        int
		name, cell string
	}{
		{1, "hours", "Tue 09:00-13:00 | Wed 09:00-17:00 | Thu 09:00-13:00"},
		{1, "recipients", "ALL_CITIZENS | BODY_OPERATORS"},
		{1, "territories", "019036 | 019"},
		{1, "addresses", "POST: 26100 019036"},
		{1, "emails", ""},
		{2, "hours", ""},
	} {
		if got := cell(want.row, want.name); got != want.cell {
			t.Errorf("row %d, %s: %q, want %q", want.row, want.name, got, want.cell)
		}
	}
	golden(t, "seeds.csv", raw)
}

func TestEncodeCSV_RefusesInvalidWeekday(t *testing.T) {
	t.Parallel()
	if _, err := format.EncodeCSV([]*directoryv1.Office{{Hours: []*directoryv1.Hours{{Weekday: 8}}}}); err == nil {
		t.Error("an eighth day of the week was accepted")
	}
}

// Ensure every kind of formula is escaped, and other cells are left alone.
func TestEncodeCSV_EscapesEachStart(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "  =1": "'  =1", "\uff1d1": "'\uff1d1", "'a": "''a",
		"\ta": "'\ta", "\ra": "'\na", "\r\na": "'\na", "a=1": "a=1", "": "",
	} {
		raw, err := format.EncodeCSV([]*directoryv1.Office{{Name: name}})
		if got := parseCSV(t, raw, err)[1][1]; got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

// Ensure the cells of contacts leave out what is not given.
func TestEncodeCSV_Contacts(t *testing.T) {
	t.Parallel()
	raw, err := format.EncodeCSV([]*directoryv1.Office{{
		Addresses: []*directoryv1.Address{{Street: "via Roma, 1", Note: "citofono 2"}, {Postcode: "26100"}},
		Phones: []*directoryv1.Phone{{Number: "0372 1"}, {
			Number: "0372 2", Label: "sportello", Whatsapp: true,
			Hours: []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "12:00"}},
		}},
		Emails: []*directoryv1.Email{{Address: "a@esempio.example", Purpose: "PEC"}},
	}})
	row := parseCSV(t, raw, err)[1]
	for _, want := range []string{
		"via Roma, 1 (citofono 2) | 26100", "0372 1 | 0372 2 (sportello; WhatsApp; Mon 09:00-12:00)",
		"a@esempio.example (PEC)",
	} {
		if !slices.Contains(row, want) {
			t.Errorf("no cell %q in %q", want, row)
		}
	}
}

// Ensure no cell is a formula, whatever an office holds, and that escaping loses no text.
func TestEncodeCSV_EscapesFormulas(t *testing.T) {
	t.Parallel()
	starts := []string{"=1+1", "+39", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "'=1", "|", "plain"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(starts).Draw(t, "start") + rapid.StringMatching(`[a-z =+"|,;]*`).Draw(t, "rest")
		raw, err := format.EncodeCSV([]*directoryv1.Office{{Name: name}})
		cell := parseCSV(t, raw, err)[1][1]
		if strings.ContainsAny(cell[:1], "=+-@\t\r\n") || strings.HasPrefix(strings.TrimSpace(cell), "=") {
			t.Fatalf("%q is a formula", cell)
		}
		if strings.TrimPrefix(cell, "'") != strings.ReplaceAll(name, "\r", "\n") {
			t.Fatalf("%q became %q", name, cell)
		}
	})
}

func TestEncodeVocabularyCSV(t *testing.T) {
	t.Parallel()
	free := &vocabularyv1.Term{
		Code: "FREE", LabelIt: "gratuito, per tutti", LabelEn: "free", Group: "G",
		ValidFrom: "2020-01-01", ValidTo: "2026-12-31",
	}
	list := &vocabularyv1.Vocabulary{Name: "fee", Version: 3, Terms: []*vocabularyv1.Term{free}}
	raw, err := format.EncodeVocabularyCSV(list)
	rows := parseCSV(t, raw, err)
	want := "code,it,en,group,valid_from,valid_to,version\nFREE,gratuito; per tutti,free,G,2020-01-01,2026-12-31,3"
	for i := range rows[1] {
		rows[1][i] = strings.ReplaceAll(rows[1][i], ",", ";")
	}
	if got := strings.Join(rows[0], ",") + "\n" + strings.Join(rows[1], ","); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !bytes.Contains(raw, []byte("\r\n")) {
		t.Error("lines do not end with CRLF")
	}
}
