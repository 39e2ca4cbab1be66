package format_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/format"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
	"github.com/retepari/pari/services/directory/internal/territory"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

var update = flag.Bool("update", false, "write the golden files anew")

// base is where the tests publish.
const base = "https://pari.example/id/"

// The three offices that the network started with.
var seeds = []string{"cremona-sportello", "cuneo-nodo", "milano-casa-dei-diritti"}

// lists are the vocabularies of the network, as the contract has them.
func lists(t testing.TB) []*vocabularyv1.Vocabulary {
	t.Helper()
	read, err := vocabulary.Read(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*vocabularyv1.Vocabulary, len(read))
	for i, l := range read {
		all[i] = &vocabularyv1.Vocabulary{Name: l.Name, Version: int32(l.Version), TitleIt: l.TitleIT, TitleEn: l.TitleEN}
		for _, one := range l.Terms {
			all[i].Terms = append(all[i].Terms, &vocabularyv1.Term{
				Code: one.Code, LabelIt: one.LabelIT, LabelEn: one.LabelEN, Group: one.Group, ValidFrom: one.ValidFrom, ValidTo: one.ValidTo,
			})
		}
	}
	return all
}

// terms are the lists ready to be looked up, with the NUTS codes of the places.
func terms(t testing.TB) *format.Terms {
	t.Helper()
	all, err := format.NewTerms(base, lists(t))
	if err != nil {
		t.Fatal(err)
	}
	places, err := territory.Read(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	nuts := map[string]string{}
	for _, p := range places {
		nuts[p.Code] = p.NUTS
	}
	all.NUTS = func(istat string) string { return nuts[istat] }
	return all
}

// offices are all entries of the directory, as the contract has them.
func offices(t testing.TB) []*directoryv1.Office {
	t.Helper()
	read, err := office.Read(data.Files, func(string, string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*directoryv1.Office, len(read))
	for i := range read {
		all[i] = fromEntry(&read[i])
	}
	return all
}

// seed is one of the offices.
func seed(t testing.TB, id string) *directoryv1.Office {
	t.Helper()
	all := offices(t)
	at := slices.IndexFunc(all, func(o *directoryv1.Office) bool { return o.GetOfficeId() == id })
	if at < 0 {
		t.Fatalf("there is no office %s", id)
	}
	return all[at]
}

func fromEntry(o *office.Office) *directoryv1.Office {
	out := &directoryv1.Office{
		OfficeId: o.ID, Name: o.Name, Kind: o.Kind, State: o.State, Region: o.Region, Node: o.Node, Body: o.Body, IpaCode: o.IPACode,
		Description: o.Description, Hours: fromHours(o.Hours), AccessRule: o.AccessRule, Fee: o.Fee, Recipients: o.Recipients,
		Grounds: o.Grounds, Accessibility: o.Accessibility, Territories: o.Territories, NetworkRoles: o.NetworkRoles,
		ValidFrom: o.ValidFrom, ValidTo: o.ValidTo, Source: o.Source, VerifiedOn: o.VerifiedOn,
	}
	for _, a := range o.Addresses {
		purpose := directoryv1.AddressPurpose(directoryv1.AddressPurpose_value["ADDRESS_PURPOSE_"+a.Purpose])
		out.Addresses = append(out.Addresses, &directoryv1.Address{Purpose: purpose, Street: a.Street, Postcode: a.Postcode, Municipality: a.Municipality, Note: a.Note})
	}
	for _, p := range o.Phones {
		out.Phones = append(out.Phones, &directoryv1.Phone{Number: p.Number, Label: p.Label, Whatsapp: p.WhatsApp, Hours: fromHours(p.Hours)})
	}
	for _, e := range o.Emails {
		out.Emails = append(out.Emails, &directoryv1.Email{Address: e.Address, Purpose: e.Purpose})
	}
	for _, s := range o.Services {
		out.Services = append(out.Services, &directoryv1.Service{Type: s.Type, Name: s.Name, AccessModes: s.AccessModes, Url: s.URL})
	}
	for _, l := range o.Links {
		out.Links = append(out.Links, &directoryv1.Link{Title: l.Title, Url: l.URL})
	}
	return out
}

func fromHours(hours []opening.Hours) []*directoryv1.Hours {
	var out []*directoryv1.Hours
	for _, h := range hours {
		out = append(out, &directoryv1.Hours{Weekday: int32(h.Weekday), Opens: h.Opens.String(), Closes: h.Closes.String()})
	}
	return out
}

// golden compares bytes with a file of testdata, which -update writes.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was; -update writes it anew. Got:\n%s", file, got)
	}
}
