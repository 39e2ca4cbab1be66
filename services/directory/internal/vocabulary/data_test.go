package vocabulary_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// parseData returns the embedded lists by name.
func parseData(t *testing.T) map[string]vocabulary.List {
	t.Helper()
	lists, err := vocabulary.ParseFS(data.Files)
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]vocabulary.List, len(lists))
	for _, l := range lists {
		byName[l.Name] = l
	}
	return byName
}

func TestData(t *testing.T) {
	t.Parallel()
	lists := parseData(t)

	t.Run("contains all lists of the domain", func(t *testing.T) {
		t.Parallel()
		// The numbers of codes are those of the domain research. Places are 7,904 municipalities of 2020, nine
		// established since, 107 provinces and four places without an ISTAT code.
		want := map[string]int{
			"ground": 30, "language": 28, "ground_group": 9, "odihr_bias": 10, "type": 16, "type_flag": 5,
			"field": 35, "field_group": 12,
			"modality": 13, "author_kind": 26, "reporter_role": 12, "channel": 16, "wish": 4, "gender": 5,
			"age_band": 10, "age_group": 5, "citizenship": 9, "person_kind": 4, "person_role": 5, "assessment": 10,
			"assessment_group": 4,
			"action":           38, "action_group": 6, "action_result": 5,
			"referral_target": 38, "referral_target_group": 5,
			"referral_status": 7, "transfer_reason": 6, "outcome": 22, "outcome_group": 8, "legal_reference": 34,
			"territory": 7904 + 9 + 107 + 4, "region": 20, "office_kind": 14, "office_state": 4, "service_type": 24,
			"service_type_group": 2, "access_mode": 10, "access_rule": 4, "fee": 1, "recipient": 8, "accessibility": 9,
			"event_type": 17, "event_mode": 3, "anniversary": 5, "training_participant": 14, "training_kind": 8,
			"enrolment_state": 6, "activity_measure": 6, "programme_indicator": 13, "room_loan_state": 6,
			"sensitivity": 5, "legal_basis": 10, "consent": 6, "consent_status": 4,
		}
		got := map[string]int{}
		for name, l := range lists {
			got[name] = len(l.Terms)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("codes per list (-want +got):\n" + diff)
		}
	})

	terms := map[string]map[string]vocabulary.Term{}
	for name, l := range lists {
		terms[name] = map[string]vocabulary.Term{}
		for _, term := range l.Terms {
			terms[name][term.Code] = term
		}
	}

	t.Run("groups codes for the tables", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct{ list, code, group string }{
			{"ground", "ROMA_SINTI", "G_ETHNIC"},
			{"ground", "HEALTH", "G_DISABILITY"},
			{"field", "REGISTRY", "F_PUBLIC_SERVICES"},
			{"assessment", "CRIME", "NOT_PERTINENT_HELPED"},
			{"assessment", "OUT_OF_TERRITORY", "OUT_OF_COMPETENCE"},
			{"outcome", "COURT_PENDING", "O_LEGAL"},
			{"action", "DIFFIDA", "A_AUTHOR"},
			{"age_band", "A14_17", "AG_U18"},
			{"citizenship", "ASYLUM_SEEKER", "NON_EU"},
			{"referral_target", "SHELTER", "RT_PROTECTION"},
			{"territory", "019036", "019"},
			{"territory", "019", "03"},
			{"territory", "004203", "004"},
			{"territory", "004", "01"},
			{"territory", "ONLINE", ""},
		} {
			term, ok := terms[c.list][c.code]
			if !ok || term.Group != c.group {
				t.Errorf("%s %s: found %v, group %q, want %q", c.list, c.code, ok, term.Group, c.group)
			}
		}
	})

	t.Run("dates the codes with a known start", func(t *testing.T) {
		t.Parallel()
		body, unar := terms["referral_target"]["EQUALITY_BODY"], terms["referral_target"]["UNAR"]
		if body.ValidFrom != "2027-01-01" {
			t.Errorf("the equality body is valid from %q", body.ValidFrom)
		}
		if unar.ValidFrom != "" || unar.ValidTo != "" {
			t.Errorf("UNAR is valid from %q to %q, want no bounds", unar.ValidFrom, unar.ValidTo)
		}
	})

	t.Run("labels places with their province", func(t *testing.T) {
		t.Parallel()
		for code, label := range map[string]string{
			"004078": "Cuneo (CN)", "015146": "Milano (MI)", "019036": "Cremona (CR)",
			"019": "Cremona (provincia)", "063049": "Napoli (NA)",
		} {
			if got := terms["territory"][code].LabelIT; got != label {
				t.Errorf("%s is %q, want %q", code, got, label)
			}
		}
		for code, towns := range map[string]int{"001": 312, "004": 247, "015": 133, "019": 113, "108": 55} {
			n := 0
			for _, term := range lists["territory"].Terms {
				if term.Group == code {
					n++
				}
			}
			if n != towns {
				t.Errorf("province %s has %d municipalities, want %d", code, n, towns)
			}
		}
	})

	t.Run("translates labels", func(t *testing.T) {
		t.Parallel()
		same := 0
		for name, l := range lists {
			if name == vocabulary.TerritoryList || name == vocabulary.RegionList {
				continue
			}
			for _, term := range l.Terms {
				if strings.EqualFold(term.LabelIT, term.LabelEN) {
					same++
				}
			}
		}
		// UNAR, WhatsApp, SMS and the like are the same in both languages.
		if same > 20 {
			t.Errorf("%d terms have the same label in both languages", same)
		}
	})
}
