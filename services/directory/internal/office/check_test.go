package office_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// anyCode takes every code that is not WRONG.
func anyCode(_, code string) bool { return code != "WRONG" && code != "" }

func TestOffice_Check(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		edit    func(*office.Office)
		problem string
	}{
		{"accepts a plain entry", func(*office.Office) {}, ""},
		{"accepts hours of a telephone whose number is not given", func(o *office.Office) {
			o.Phones = []office.Phone{{Hours: []opening.Hours{hours(t, 3, "09:00", "12:00")}}}
		}, ""},
		{"accepts openings that touch", func(o *office.Office) {
			o.Hours = []opening.Hours{hours(t, 3, "09:00", "12:00"), hours(t, 3, "12:00", "13:00")}
		}, ""},
		{"refuses an identifier in capitals", func(o *office.Office) { o.ID = "Desk" }, "office_id"},
		{"refuses a missing source", func(o *office.Office) { o.Source = "" }, "source"},
		{"refuses a missing territory", func(o *office.Office) { o.Territories = nil }, "territories"},
		{"refuses an unknown kind", func(o *office.Office) { o.Kind = "WRONG" }, `"WRONG" is not in list office_kind`},
		{"refuses an unknown access mode", func(o *office.Office) { o.Services[0].AccessModes = []string{"WRONG"} }, "access_mode"},
		{"refuses a code that is there twice", func(o *office.Office) { o.Recipients = []string{"WOMEN", "WOMEN"} }, "twice"},
		{"refuses a weekday that does not exist", func(o *office.Office) { o.Hours = []opening.Hours{hours(t, 8, "09:00", "12:00")} }, "hours[0].weekday: there is no such weekday"},
		{"refuses to close before opening", func(o *office.Office) { o.Hours = []opening.Hours{hours(t, 1, "12:00", "09:00")} }, "hours[0].closes: it does not close"},
		{"refuses openings that overlap", func(o *office.Office) {
			o.Hours = []opening.Hours{hours(t, 1, "09:00", "12:00"), hours(t, 1, "11:59", "13:00")}
		}, "hours[1]: it overlaps"},
		{"refuses a closing that ends before it begins", func(o *office.Office) {
			o.Exceptions = []opening.Exception{{From: "2026-08-20", To: "2026-08-10", Closed: true}}
		}, "exceptions[0].to: it ends before"},
		{"refuses hours of a telephone that overlap", func(o *office.Office) {
			o.Phones = []office.Phone{{Number: "1"}, {Number: "2", Hours: []opening.Hours{hours(t, 1, "09:00", "12:00"), hours(t, 1, "11:00", "13:00")}}}
		}, "phones[1].hours[1]: it overlaps"},
		{"refuses a telephone without number and hours", func(o *office.Office) { o.Phones = []office.Phone{{Label: "info"}} }, "telephone number"},
		{"refuses a number with dots", func(o *office.Office) { o.Phones = []office.Phone{{Number: "02.884.41641"}} }, "telephone number"},
		{"refuses a name for an e-mail address", func(o *office.Office) { o.Emails = []office.Email{{Address: "Desk <a@b.it>"}} }, "e-mail"},
		{"refuses an unknown purpose of an address", func(o *office.Office) { o.Addresses = []office.Address{{Purpose: "BACK", Municipality: "019036"}} }, "purpose"},
		{"refuses an address in a province", func(o *office.Office) { o.Addresses = []office.Address{{Municipality: "019"}} }, "no municipality"},
		{"refuses a postcode of four digits", func(o *office.Office) { o.Addresses = []office.Address{{Municipality: "019036", Postcode: "2610"}} }, "postcode"},
		{"refuses a page that is not https", func(o *office.Office) { o.Links = []office.Link{{Title: "page", URL: "http://a.it"}} }, "https"},
		{"refuses an impossible day", func(o *office.Office) { o.VerifiedOn = "2026-02-30" }, "not a day"},
		{"refuses an end before the beginning", func(o *office.Office) { o.ValidFrom, o.ValidTo = "2026-02-02", "2026-02-01" }, "ends before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := desk("desk", func(o *office.Office) { o.Territories = []string{"019"} })
			c.edit(&o)
			err := o.Check(anyCode)
			switch {
			case c.problem == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const plain = "office_id: desk\nname: Desk\nkind: DESK\nstate: ACTIVE\nregion: r\nnode: n\nsource: test\nterritories: [\"019\"]\n"
	for _, c := range []struct{ name, file, text, problem string }{
		{"reads an entry", "offices/desk.yaml", plain, ""},
		{"refuses an entry under another name", "offices/table.yaml", plain, `holds office "desk"`},
		{"refuses a field that nobody reads", "offices/desk.yaml", plain + "colour: red\n", "colour"},
		{"refuses a time that does not exist", "offices/desk.yaml", plain + "hours: [{weekday: 1, opens: \"09:00\", closes: \"25:00\"}]\n", "no such time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			offices, err := office.Read(fstest.MapFS{c.file: {Data: []byte(c.text)}}, anyCode)
			switch {
			case c.problem == "" && (err != nil || len(offices) != 1):
				t.Errorf("got %d offices, %v", len(offices), err)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got %v, want %q", err, c.problem)
			}
		})
	}
}
