package format_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// foreign is a page of services as another directory might publish it. It is not a real document.
const foreign = `{"contents": [{
  "id": "5a1e0f4e-0b7d-4c0c-9a53-3f0d7a1d7e01", "name": "Ascolto", "status": "active", "url": "http://insecure.example",
  "description": "Si ascolta.", "assured_date": "2026-03-01", "fees_description": "niente", "wait_time": "3 days",
  "organization": {"id": "8D3B2B7C-6A0E-4D0C-8F83-51A2F6E1C001", "name": "Associazione Esempio",
    "description": "Aiuta.", "website": "https://esempio.example/", "year_incorporated": 1999},
  "phones": [{"id": "1", "number": "+39 (0372) 000-111", "type": "voice", "extension": 7,
    "languages": [{"id": "18", "code": "fr"}]}, {"id": "2", "number": "0372 000112", "type": "fax"}],
  "contacts": [{"id": "3", "name": "Ada Persona", "department": "Segreteria", "email": "segreteria@esempio.example"}],
  "schedules": [
    {"id": "4", "freq": "WEEKLY", "byday": "MO,WE", "opens_at": "09:00:00", "closes_at": "12:30"},
    {"id": "5", "freq": "WEEKLY", "byday": "FR", "opens_at": "09:00", "closes_at": "12:30", "valid_from": "2026-06-01"},
    {"id": "6", "freq": "MONTHLY", "byday": "1SA", "opens_at": "09:00", "closes_at": "12:30"},
    {"id": "7", "freq": "WEEKLY", "byday": "TU", "opens_at": "09:00Z", "closes_at": "12:30Z"}],
  "service_at_locations": [{"id": "8", "location": {"id": "9", "location_type": "physical", "latitude": 45.1,
    "languages": [{"id": "14", "code": "ar"}, {"id": "15", "code": "AR"}, {"id": "16", "code": "ise"},
      {"id": "17", "name": "dialetto"}],
    "addresses": [
      {"id": "10", "address_1": "via Roma, 1", "city": "Cremona", "state_province": "CR", "postal_code": "26100",
        "country": "IT", "address_type": "physical"},
      {"id": "11", "address_1": "1 High Street", "city": "Elsewhere", "state_province": "", "postal_code": "X1",
        "country": "GB", "address_type": "postal"}]}}],
  "attributes": [{"id": "12", "link_type": "other",
    "taxonomy_term": {"id": "13", "code": "X", "name": "X", "description": "X"}}]
 }, {
  "id": "5a1e0f4e-0b7d-4c0c-9a53-3f0d7a1d7e02", "name": "Corsi", "status": "inactive",
  "organization": {
    "id": "8D3B2B7C-6A0E-4D0C-8F83-51A2F6E1C001", "name": "Associazione Esempio", "description": "Aiuta."}
}]}`

func TestParseHSDS_Foreign(t *testing.T) {
	t.Parallel()
	got, err := format.ParseHSDS([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	want := []*directoryv1.Office{{
		OfficeId: "hsds-8d3b2b7c-6a0e-4d0c-8f83-51a2f6e1c001", Name: "Associazione Esempio",
		Description: "Aiuta.", State: "ACTIVE",
		Addresses: []*directoryv1.Address{{Street: "via Roma, 1", Postcode: "26100"}},
		Phones:    []*directoryv1.Phone{{Number: "+39 0372 000 111"}},
		Emails:    []*directoryv1.Email{{Address: "segreteria@esempio.example", Purpose: "Segreteria"}},
		Hours: []*directoryv1.Hours{
			{Weekday: 1, Opens: "09:00", Closes: "12:30"}, {Weekday: 3, Opens: "09:00", Closes: "12:30"},
			{Weekday: 5, Opens: "09:00", Closes: "12:30", ValidFrom: "2026-06-01"},
		},
		Services:  []*directoryv1.Service{{Name: "Ascolto"}, {Name: "Corsi"}},
		Languages: []string{"AR", "LIS"},
		Links:     []*directoryv1.Link{{Title: "Associazione Esempio", Url: "https://esempio.example/"}},
		Source:    "HSDS, organization 8D3B2B7C-6A0E-4D0C-8F83-51A2F6E1C001", VerifiedOn: "2026-03-01",
	}}
	if diff := cmp.Diff(want, got.Offices, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	left := map[string]string{}
	for _, one := range got.Omissions {
		left[strings.TrimPrefix(one.Path, "contents[0].")] = one.Reason
	}
	for path, reason := range map[string]string{
		"url": "https", "fees_description": "code", "wait_time": "no field",
		"organization.year_incorporated": "no field",
		"phones[0].extension":            "extension", "phones[0].languages": "a location", "phones[1]": "no telephone",
		"service_at_locations[0].location.languages[3]": "ISO 639-1", "contacts[0].name": "names of people",
		"schedules[2]": "every week", "schedules[3]": "local times",
		"service_at_locations[0].location.latitude":          "map",
		"service_at_locations[0].location.addresses[0].city": "ISTAT",
		"service_at_locations[0].location.addresses[1]":      "Italy",
		"attributes[0]": "taxonomy", "description": "no description",
	} {
		if !strings.Contains(left[path], reason) {
			t.Errorf("%s: reason %q does not contain %q", path, left[path], reason)
		}
		delete(left, path)
	}
	if len(left) > 0 {
		t.Errorf("other omissions: %v", left)
	}
}

func TestParseHSDS_AcceptsListOrSingle(t *testing.T) {
	t.Parallel()
	const single = `{"id": "a", "name": "N", "description": "",
		"services": [{"id": "b", "name": "S", "status": "defunct"}]}`
	for _, document := range []string{single, "[" + single + "]", ` {"contents": [` + single + `]}`} {
		got, err := format.ParseHSDS([]byte(document))
		if err != nil || len(got.Offices) != 1 {
			t.Fatalf("%s: %v, %v", document, got, err)
		}
		if o := got.Offices[0]; o.GetName() != "N" || o.GetState() != "CLOSED" {
			t.Errorf("%s: %v", document, o)
		}
	}
}

// Ensure hostile documents are refused, and quickly.
func TestParseHSDS_RefusesHostile(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"organization":`, 20000) + "1" + strings.Repeat("}", 20000)
	for name, document := range map[string]string{
		"empty": "", "no JSON": "<html>", "a number": "1", "no contents": "{}",
		"items of a wrong type":    `{"contents": [1]}`,
		"a name that is a number":  `[{"id": "a", "name": 7}]`,
		"a list that is an object": `[{"id": "a", "phones": {}}]`,
		"deep":                     "[" + deep + "]",
		"deep in unknown field":    `[{"id":"a","zz":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}]",
		"trailing data":            `[] []`,
		"huge":                     "[" + strings.Repeat(" ", 17<<20) + "]",
		"too many":                 "[" + strings.Repeat("{},", 6000) + "{}]",
		"duplicate id":             `[{"id": "a", "name": "x"}, {"id": "a", "name": "y"}]`,
		"no id":                    `[{"name": "x"}]`,
	} {
		if got, err := format.ParseHSDS([]byte(document)); err == nil {
			t.Errorf("%s: accepted as %v", name, got.Offices)
		}
	}
}

// Ensure an unreadable document has a reason, the path of the problem and its cause.
func TestParseHSDS_UnreadableError(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 5001 {
		many = append(many, fmt.Sprintf(`{"id": "a%d", "name": "N"}`, i))
	}
	for name, c := range map[string]struct {
		document string
		reason   format.UnreadableReason
		text     string
	}{
		"no JSON":  {"<html>", format.NotADocument, "not an HSDS document: invalid character"},
		"too many": {"[" + strings.Join(many, ",") + "]", format.TooMany, "too many entries"},
		"no id":    {`{"contents": [{"name": "N"}]}`, format.NoID, "contents[0]: no id"},
		"bad id": {
			`[{"id": "1", "x_pari": {}, "organization_identifiers": [
				{"identifier_type": "Pari", "identifier": "../a"}]}]`,
			format.BadID, "[0]: invalid office id",
		},
		"duplicate id": {`[{"id": "a"}, {"id": "a", "name": "N"}]`, format.DuplicateID, "[1]: duplicate office"},
	} {
		_, err := format.ParseHSDS([]byte(c.document))
		var unreadable *format.UnreadableError
		if !errors.As(err, &unreadable) || unreadable.Reason != c.reason || !strings.HasPrefix(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %s", name, err, c.text)
		}
	}
}

// Ensure services without a nested organization are grouped by its id, and a service without one becomes an office.
func TestParseHSDS_GroupsServices(t *testing.T) {
	t.Parallel()
	got, err := format.ParseHSDS([]byte(`[
		{"id": "s1", "name": "A", "status": "active", "organization_id": "org"},
		{"id": "s2", "name": "B", "organization_id": "org"},
		{"id": "s3", "name": "C", "organization": {"id": "org"}},
		{"id": "s4", "name": "D", "status": "active"}]`))
	if err != nil || len(got.Offices) != 2 {
		t.Fatal(got, err)
	}
	grouped, single := got.Offices[0], got.Offices[1]
	if grouped.GetOfficeId() != "hsds-org" || len(grouped.GetServices()) != 3 ||
		single.GetOfficeId() != "hsds-s4" || len(single.GetServices()) != 1 {
		t.Errorf("got %v and %v", grouped, single)
	}
}

// Ensure the list of omissions does not grow with the document.
func TestParseHSDS_LimitsOmissions(t *testing.T) {
	t.Parallel()
	phones := strings.Repeat(`{"number": "x"},`, 2999) + `{"number": "x"}`
	got, err := format.ParseHSDS([]byte(`[{"id": "a", "name": "N", "phones": [` + phones + `]}]`))
	if err != nil || len(got.Omissions) != 1000 || got.MoreOmissions != 2000 {
		t.Errorf("%d listed, %d more, %v", len(got.Omissions), got.MoreOmissions, err)
	}
}

func FuzzParseHSDS(f *testing.F) {
	f.Add([]byte(foreign))
	f.Add([]byte(`[{"id":"a","x_pari":{"links":[null]},"phones":[null],"services":[null,{"x_pari":null}],
		"attributes":[{"link_type":"pari:fee"}]}]`))
	f.Add([]byte(`null`))
	raw, err := format.EncodeHSDS(offices(f), terms(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	all := terms(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := format.ParseHSDS(data)
		if err != nil {
			return
		}
		// Parsed offices are valid enough to be encoded again, with valid hours.
		if _, err := format.EncodeHSDS(got.Offices, all); err != nil {
			t.Fatal(err)
		}
	})
}
