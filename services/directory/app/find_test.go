package app_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure searches in the embedded data find the right offices.
func TestRun_FindsOffices(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	for _, c := range []struct {
		name string
		req  *directoryv1.FindOfficesRequest
		want []string
	}{
		{"Cremona, disability", &directoryv1.FindOfficesRequest{Territory: "019036", Ground: "DISABILITY"},
			[]string{"cremona-sportello TERRITORY ALL_GROUNDS"}},
		{"Cremona, whatever", &directoryv1.FindOfficesRequest{Territory: "019036"},
			[]string{
				"cremona-sportello TERRITORY", "cremona-centro-locale-parita TERRITORY",
				"cremona-ufficio-anticorruzione TERRITORY",
			}},
		{"a bar in Crema", &directoryv1.FindOfficesRequest{Territory: "019035", Ground: "RELIGION_OTHER"},
			[]string{"cremona-sportello TERRITORY_PROVINCE ALL_GROUNDS"}},
		{"a flat in Saluzzo", &directoryv1.FindOfficesRequest{Territory: "004203", Ground: "NATIONALITY"},
			[]string{
				"cuneo-nodo TERRITORY_PROVINCE ALL_GROUNDS", "cuneo-sportello-meet TERRITORY_PROVINCE ALL_GROUNDS",
			}},
		{"the node that manages cases in Mondovì",
			&directoryv1.FindOfficesRequest{Territory: "004130", Service: "CASE_MANAGEMENT"},
			[]string{"cuneo-nodo TERRITORY_PROVINCE SERVICE"}},
		{"trafficking, by telephone, in Milano",
			&directoryv1.FindOfficesRequest{Territory: "015146", Service: "TRAFFICKING", AccessMode: "PHONE"},
			[]string{"milano-casa-dei-diritti TERRITORY ACCESS_MODE SERVICE"}},
		{"the group for young people, by WhatsApp",
			&directoryv1.FindOfficesRequest{Service: "DISCUSSION_GROUP", AccessMode: "WHATSAPP"},
			[]string{"milano-casa-dei-diritti ACCESS_MODE SERVICE"}},
		{"threatened by usurers in Cremona",
			&directoryv1.FindOfficesRequest{Territory: "019036", Service: "MAFIA_VICTIMS", AccessMode: "MAIL"},
			[]string{
				"cremona-centro-locale-parita TERRITORY ACCESS_MODE SERVICE",
				"cremona-ufficio-anticorruzione TERRITORY ACCESS_MODE SERVICE",
			}},
		{"Bergamo, without a node", &directoryv1.FindOfficesRequest{Territory: "016024", Ground: "SEX"},
			[]string{
				"cremona-sportello NODE_FALLBACK ALL_GROUNDS", "milano-casa-dei-diritti NODE_FALLBACK ALL_GROUNDS",
			}},
		{"Torino, without a node", &directoryv1.FindOfficesRequest{Territory: "001272", AccessMode: "DESK"},
			[]string{"cuneo-sportello-meet NODE_FALLBACK ACCESS_MODE"}},
		{"Bologna, a region without nodes", &directoryv1.FindOfficesRequest{Territory: "037006"}, nil},
		{"online", &directoryv1.FindOfficesRequest{Territory: "ONLINE", Ground: "SKIN_COLOUR", AccessMode: "PHONE"},
			[]string{
				"cremona-sportello NODE_FALLBACK ALL_GROUNDS ACCESS_MODE",
				"milano-casa-dei-diritti NODE_FALLBACK ALL_GROUNDS ACCESS_MODE",
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			resp, err := client.FindOffices(withTimeout(t), c.req)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range resp.GetMatches() {
				line := m.GetOffice().GetOfficeId()
				for _, reason := range m.GetReasons() {
					line += " " + reason
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}

	t.Run("refuses an unknown place", func(t *testing.T) {
		t.Parallel()
		_, err := client.FindOffices(withTimeout(t), &directoryv1.FindOfficesRequest{Territory: "019999"})
		var refusal *fault.Error
		if !errors.As(fault.FromStatus(err), &refusal) || len(refusal.Fields) != 1 ||
			refusal.Fields[0].Path != "territory" || refusal.Fields[0].Reason != fault.UnknownCode {
			t.Errorf("got %v", err)
		}
	})
}

func TestRun_ListsVocabularies(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	all, err := client.ListVocabularies(withTimeout(t), &directoryv1.ListVocabulariesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	terms := 0
	for _, list := range all.GetVocabularies() {
		terms += len(list.GetTerms())
		if list.GetVersion() != 1 || list.GetTitleIt() == "" || list.GetTitleEn() == "" {
			t.Errorf("list %s: version %d, titles %q and %q",
				list.GetName(), list.GetVersion(), list.GetTitleIt(), list.GetTitleEn())
		}
	}
	if len(all.GetVocabularies()) != 55 || terms < 8015 {
		t.Errorf("%d lists with %d terms", len(all.GetVocabularies()), terms)
	}
	req := &directoryv1.ListVocabulariesRequest{KnownDigest: all.GetDigest()}
	again, err := client.ListVocabularies(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.GetVocabularies()) != 0 || again.GetDigest() != all.GetDigest() {
		t.Error("known lists were sent again")
	}
}
