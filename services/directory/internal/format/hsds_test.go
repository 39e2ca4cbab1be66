package format_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/format"
)

// roundTrip encodes and parses offices, and fails on omissions.
func roundTrip(t rapid.TB, terms *format.Terms, offices []*directoryv1.Office) []*directoryv1.Office {
	raw, err := format.EncodeHSDS(offices, terms)
	if err != nil {
		t.Fatal(err)
	}
	back, err := format.ParseHSDS(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Omissions) > 0 {
		t.Fatalf("left out: %v", back.Omissions)
	}
	return back.Offices
}

func TestEncodeHSDS_Golden(t *testing.T) {
	t.Parallel()
	for _, id := range seeds {
		raw, err := format.EncodeHSDS([]*directoryv1.Office{seed(t, id)}, terms(t))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, id+".hsds.json", raw)
	}
}

func TestHSDS_RoundTripsOffices(t *testing.T) {
	t.Parallel()
	all := offices(t)
	if diff := cmp.Diff(all, roundTrip(t, terms(t), all), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// Ensure arbitrary offices round-trip, with unknown codes and hostile texts too.
func TestHSDS_RoundTripsAnyOffice(t *testing.T) {
	t.Parallel()
	all := terms(t)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(anyOffice, 0, 3, (*directoryv1.Office).GetOfficeId).Draw(t, "offices")
		if diff := cmp.Diff(want, roundTrip(t, all, want), protocmp.Transform()); diff != "" && len(want) > 0 {
			t.Fatal(diff)
		}
	})
}

// Ensure identifiers are unique, and do not depend on other offices.
func TestEncodeHSDS_StableIdentifiers(t *testing.T) {
	t.Parallel()
	all := offices(t)
	alone, err := format.EncodeHSDS(all[:1], terms(t))
	if err != nil {
		t.Fatal(err)
	}
	together, err := format.EncodeHSDS(all, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	shared := map[string]bool{"taxonomy_term": true}
	there := map[string]bool{}
	for _, id := range identifiers(t, together, shared) {
		if there[id] {
			t.Errorf("duplicate identifier %s", id)
		}
		there[id] = true
	}
	for _, id := range identifiers(t, alone, shared) {
		if !there[id] {
			t.Errorf("%s changes when there are more offices", id)
		}
	}
}

// identifiers returns the ids of a document, without those of shared parts.
func identifiers(t *testing.T, raw []byte, shared map[string]bool) (ids []string) {
	t.Helper()
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, item := range v {
				if id, ok := item.(string); ok && name == "id" {
					ids = append(ids, id)
				} else if !shared[name] {
					walk(item)
				}
			}
		}
	}
	walk(document)
	return ids
}

func TestEncodeHSDS_RefusesInvalidWeekday(t *testing.T) {
	t.Parallel()
	for _, o := range []*directoryv1.Office{
		{Hours: []*directoryv1.Hours{{Weekday: 0}}},
		{Phones: []*directoryv1.Phone{{Hours: []*directoryv1.Hours{{Weekday: 8}}}}},
	} {
		_, err := format.EncodeHSDS([]*directoryv1.Office{o}, terms(t))
		if err == nil || !strings.Contains(err.Error(), "no day of the week") {
			t.Errorf("got %v", err)
		}
	}
}

// Ensure equal parts of an office get different identifiers.
func TestEncodeHSDS_NumbersEqualParts(t *testing.T) {
	t.Parallel()
	phones := []*directoryv1.Phone{{Number: "0372 1"}, {Number: "0372 1"}, {Number: "0372 1"}}
	raw, err := format.EncodeHSDS([]*directoryv1.Office{{OfficeId: "a", Name: "A", Phones: phones}}, terms(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, id := range identifiers(t, raw, nil) {
		if seen[id] {
			t.Errorf("duplicate identifier %s", id)
		}
		seen[id] = true
	}
}

func TestEncodeHSDS_LocationType(t *testing.T) {
	t.Parallel()
	post := &directoryv1.Address{Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_POST}
	counter := &directoryv1.Address{Street: "via Roma, 1"}
	for want, addresses := range map[string][]*directoryv1.Address{
		"virtual": nil, "postal": {post}, "physical": {counter, post},
	} {
		raw, err := format.EncodeHSDS([]*directoryv1.Office{{OfficeId: "a", Name: "A", Addresses: addresses}}, terms(t))
		if err != nil || !strings.Contains(string(raw), `"location_type": "`+want+`"`) {
			t.Errorf("want %s: %v\n%s", want, err, raw)
		}
	}
}

// Ensure sign language has its ISO 639-3 code, as it has none in ISO 639-1.
func TestEncodeHSDS_SignLanguage(t *testing.T) {
	t.Parallel()
	o := &directoryv1.Office{OfficeId: "a", Name: "A", Languages: []string{"LIS", "AR"}}
	raw, err := format.EncodeHSDS([]*directoryv1.Office{o}, terms(t))
	for _, want := range []string{`"code": "ise"`, `"code": "ar"`} {
		if err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("it does not contain %s: %v", want, err)
		}
	}
}
