package format_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// parseOrganization parses a document with one organization that has these JSON fields.
func parseOrganization(t *testing.T, fields string) (*directoryv1.Office, []format.Omission) {
	t.Helper()
	got, err := format.ParseHSDS([]byte(`[{"id": "a", "name": "N", ` + fields + `}]`))
	if err != nil || len(got.Offices) != 1 {
		t.Fatalf("%s: %v, %v", fields, got, err)
	}
	return got.Offices[0], got.Omissions
}

// schedule is a weekly schedule in JSON.
func schedule(byDay, opens, closes string) string {
	return `{"freq": "WEEKLY", "byday": "` + byDay + `", "opens_at": "` + opens + `", "closes_at": "` + closes + `"}`
}

// Ensure every field that an entry may not hold is left out, with its path and reason.
func TestParseHSDS_Omissions(t *testing.T) {
	t.Parallel()
	address := func(fields string) string { return `"locations": [{"addresses": [{` + fields + `}]}]` }
	hours := func(byDay, opens, closes string) string {
		return `{"schedules": [` + schedule(byDay, opens, closes) + `]}`
	}
	counter := func(byDay, opens, closes string) string { return `"locations": [` + hours(byDay, opens, closes) + `]` }
	for _, c := range []struct{ fields, path, code string }{
		{`"parent_organization_id": "b"`, "parent_organization_id", "PARENT_ORGANIZATION"},
		{`"organization_identifiers": [{"identifier_type": "VAT", "identifier": "1"}]`,
			"organization_identifiers[0]", "OTHER_IDENTIFIER"},
		{`"organization_identifiers": [{"identifier_type": "Pari", "identifier": "b"}]`, // of a foreign document
			"organization_identifiers[0]", "OTHER_IDENTIFIER"},
		{`"website": "http://insecure.example"`, "website", "NOT_HTTPS"},
		{`"website": "https:no-host"`, "website", "NOT_HTTPS"},
		{`"logo": "http://insecure.example/logo.png"`, "logo", "NOT_HTTPS"},
		{`"email": "nobody"`, "email", "BAD_EMAIL"},
		{`"email": "Ada <ada@esempio.example>"`, "email", "BAD_EMAIL"},
		{`"phones": [{"number": "--"}]`, "phones[0]", "BAD_NUMBER"},
		{`"phones": [{"number": "0372 1", "type": "textphone"}]`, "phones[0]", "NO_TELEPHONE"},
		{`"attributes": [{"link_type": "pari:fee"}]`, "attributes[0]", "OTHER_TAXONOMY"},
		{`"attributes": [{"link_type": "pari:colour", "taxonomy_term": {"code": "X"}}]`,
			"attributes[0]", "OTHER_TAXONOMY"},
		{`"attributes": [{"link_type": "fee", "taxonomy_term": {"code": "FREE"}}]`, "attributes[0]", "OTHER_TAXONOMY"},
		{address(`"country": "IT", "address_type": "virtual"`), "locations[0].addresses[0]", "VIRTUAL_ADDRESS"},
		{address(`"country": "IT", "postal_code": "2610"`), "locations[0].addresses[0].postal_code", "BAD_POSTCODE"},
		{`"locations": [{"accessibility": [{"description": "rampa"}]}]`,
			"locations[0].accessibility[0]", "TEXT_FOR_CODE"},
		{`"locations": [` + hours("MO", "09:00", "12:00") + `, ` + hours("TU", "09:00", "12:00") + `]`,
			"locations[1].schedules", "SECOND_COUNTER"},
		{`"locations": [{"schedules": [{"freq": "WEEKLY", "byday": "MO", "opens_at": "09:00", "closes_at": "12:00",
			"until": "2026-12-31"}]}]`, "locations[0].schedules[0]", "NOT_EVERY_WEEK"},
		{counter("MO", "12:00", "09:00"), "locations[0].schedules[0]", "BAD_TIMES"},
		{counter("MO", "9:00", "12:00"), "locations[0].schedules[0]", "BAD_TIMES"},
		{counter("MO", "09:00:30", "12:00"), "locations[0].schedules[0]", "BAD_TIMES"},
		{counter("MO", "09:00", "noon"), "locations[0].schedules[0]", "BAD_TIMES"},
		{counter("XX", "09:00", "12:00"), "locations[0].schedules[0]", "BAD_WEEKDAY"},
		{`"services": [{"name": "N", "assured_date": "2026-02-30"}]`, "services[0].assured_date", "IMPOSSIBLE_DATE"},
		{`"services": [{"name": "N", "service_areas": [{"name": "Cremona"}]}]`,
			"services[0].service_areas[0]", "PLACE_BY_NAME"},
		{`"x_pari": {"opening": {"exceptions": 1}}, "organization_identifiers": [{"identifier_type": "Pari",
			"identifier": "a"}]`, "x_pari.opening", "BAD_OPENING"},
	} {
		_, omissions := parseOrganization(t, c.fields)
		if len(omissions) != 1 || omissions[0].Path != "[0]."+c.path || omissions[0].Code != c.code {
			t.Errorf("%s: %v, want %s %s", c.fields, omissions, c.path, c.code)
		}
	}
	nested := `[{"id": "s", "name": "S", "status": "active", "organization": {"id": "a", "name": "N",
		"services": [{"id": "t", "name": "T", "status": "active"}]}}]`
	got, err := format.ParseHSDS([]byte(nested))
	if err != nil || len(got.Omissions) != 1 || got.Omissions[0].Code != "NESTED_SERVICES" {
		t.Errorf("nested services: %v, %v", got.Omissions, err)
	}
}

// Ensure repeated contacts and locations are taken once, and each schedule of a week is.
func TestParseHSDS_Merges(t *testing.T) {
	t.Parallel()
	const where = `{"id": "l", "addresses": [{"address_1": "via Roma, 1", "country": "IT", "address_type": "postal",
		"city": "Cremona",
		"attributes": [{"link_type": "pari:territory", "taxonomy_term": {"code": "019036"}}]}]}`
	every := strings.Replace(schedule("MO", "09:00", "24:00:00"), "{", `{"interval": 1, `, 1)
	got, omissions := parseOrganization(t, `
		"description": "Si ascolta.", "email": "ada@esempio.example", "website": "https://esempio.example/",
		"logo": "https://esempio.example/logo.png",
		"phones": [{"number": "0372 1", "type": "WhatsApp"}, {"number": "0372-1"},
			{"number": "0372 2", "type": "Cell"}],
		"contacts": [{"email": "ada@esempio.example", "phones": [{"number": "0372 1"}]},
			{"department": "Segreteria", "phones": [{"number": "0372 3"}]}],
		"locations": [`+where+`, `+where+`],
		"services": [
			{"name": "A", "status": "temporarily closed", "assured_date": "2026-02-02", "schedules": [`+every+`],
				"description": "Si ascolta.",
				"service_at_locations": [{"location": `+where+`}, {"phones": [{"number": "0372 4"}]}]},
			{"name": "B", "status": "temporarily closed", "assured_date": "2026-01-01", "x_pari": {},
				"url": "https://esempio.example/b"},
			{"name": "C", "status": "temporarily closed", "assured_date": "2026-03-03"}]`)
	want := &directoryv1.Office{
		OfficeId: "hsds-a", Name: "N", Source: "HSDS, organization a", State: "SUSPENDED", VerifiedOn: "2026-01-01",
		Description: "Si ascolta.", LogoUrl: "https://esempio.example/logo.png",
		Links: []*directoryv1.Link{{Title: "N", Url: "https://esempio.example/"}},
		Phones: []*directoryv1.Phone{
			{Number: "0372 1", Whatsapp: true}, {Number: "0372 2"}, {Number: "0372 3"}, {Number: "0372 4"},
		},
		Emails: []*directoryv1.Email{{Address: "ada@esempio.example"}},
		Hours:  []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "24:00"}},
		Addresses: []*directoryv1.Address{
			{
				Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST, Street: "via Roma, 1", Municipality: "019036",
			},
		},
		Services: []*directoryv1.Service{{Name: "A"}, {Name: "B", Url: "https://esempio.example/b"}, {Name: "C"}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || len(omissions) > 0 {
		t.Errorf("%v\n%s", omissions, diff)
	}
}

// Ensure the state of a foreign office is taken only if its services agree on it.
func TestParseHSDS_State(t *testing.T) {
	t.Parallel()
	for statuses, want := range map[string]string{
		"active defunct": "ACTIVE", "defunct": "CLOSED", "temporarily_closed": "SUSPENDED", "inactive": "",
		"defunct temporarily_closed": "",
	} {
		var services []string
		for _, status := range strings.Fields(statuses) {
			services = append(services, `{"name": "N", "status": "`+strings.ReplaceAll(status, "_", " ")+`"}`)
		}
		got, _ := parseOrganization(t, `"services": [`+strings.Join(services, ", ")+`]`)
		if got.GetState() != want {
			t.Errorf("%s: %q, want %q", statuses, got.GetState(), want)
		}
	}
}

// Ensure an office that states its own state has it, whatever its services say.
func TestParseHSDS_StatedState(t *testing.T) {
	t.Parallel()
	got, _ := parseOrganization(t, `"services": [{"name": "N", "status": "active"}],
		"attributes": [{"link_type": "pari:office_state", "taxonomy_term": {"code": "CLOSED"}}]`)
	if got.GetState() != "CLOSED" {
		t.Errorf("the state is %q", got.GetState())
	}
}

// Ensure an unknown visibility counts as hidden, so that a newer document never publishes a hidden office.
func TestParseHSDS_UnknownVisibility(t *testing.T) {
	t.Parallel()
	got, _ := parseOrganization(t, `"x_pari": {"visibility": "VISIBILITY_SECRET"},
		"organization_identifiers": [{"identifier_type": "Pari", "identifier": "a"}]`)
	if got.GetVisibility() != directoryv1.Visibility_VISIBILITY_HIDDEN {
		t.Error("the office is public")
	}
}
