package office_test

import (
	"testing"
	"time"

	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// Ensure the telephone has its own hours and only the closed exceptions of the office, and without hours those of the
// counter.
func TestIndex_Openings_Telephone(t *testing.T) {
	t.Parallel()
	counter := []opening.Hours{newHours(t, 2, "09:00", "13:00")}
	phone := []office.Phone{{Number: "0372 1", Hours: []opening.Hours{newHours(t, 1, "14:00", "16:00")}}}
	exceptions := []opening.Exception{
		{From: "2026-11-09", Closed: true}, {From: "2026-11-16", Hours: []opening.TimeRange{{Opens: 600, Closes: 660}}},
	}
	x := newIndex([]office.Office{
		{ID: "own", State: "ACTIVE", Hours: counter, Phones: phone, Exceptions: exceptions},
		{ID: "counter", State: "ACTIVE", Hours: counter, Phones: []office.Phone{{Number: "0372 2"}}},
		{ID: "phone", State: "ACTIVE", Phones: phone},
		{ID: "closed", State: "CLOSED", Phones: phone},
	}, nil)
	for _, c := range []struct {
		id, mode, from string
		open, known    bool
	}{
		{"own", office.AccessModePhone, "2026-11-02T14:00:00+01:00", true, true},
		{"own", office.AccessModePhone, "2026-11-03T10:00:00+01:00", false, true},
		{"own", office.AccessModePhone, "2026-11-09T14:00:00+01:00", false, true}, // closed exception
		{"own", office.AccessModePhone, "2026-11-16T14:00:00+01:00", true, true},  // exception of the counter
		{"own", "", "2026-11-16T10:00:00+01:00", true, true},
		{"own", "", "2026-11-03T10:00:00+01:00", true, true},
		{"counter", office.AccessModePhone, "2026-11-03T10:00:00+01:00", true, true},
		{"phone", office.AccessModePhone, "2026-11-02T14:00:00+01:00", true, true},
		{"phone", "", "2026-11-02T14:00:00+01:00", false, false},
		{"closed", office.AccessModePhone, "2026-11-02T14:00:00+01:00", false, false},
	} {
		openings, _ := x.Openings(c.id, c.mode)
		open := false
		for range openings.Spans(parseTime(t, c.from), parseTime(t, c.from).Add(time.Minute)) {
			open = true
		}
		if open != c.open || openings.Known != c.known {
			t.Errorf("%s %s at %s: open %t, known %t", c.id, c.mode, c.from, open, openings.Known)
		}
	}
}

// Ensure spans are clipped to the requested range and not to the validity of the entry alone.
func TestOpenings_Spans_Clip(t *testing.T) {
	t.Parallel()
	x := newIndex([]office.Office{{
		ID: "a", State: "ACTIVE", ValidFrom: "2026-01-01", ValidTo: "2026-12-31",
		Hours: []opening.Hours{newHours(t, 2, "09:00", "13:00")},
	}}, nil)
	from, to := parseTime(t, "2026-11-24T10:00:00+01:00"), parseTime(t, "2026-11-24T11:00:00+01:00")
	openings, _ := x.Openings("a", "")
	n := 0
	for span := range openings.Spans(from, to) {
		n++
		if !span.From.Equal(from) || !span.To.Equal(to) {
			t.Errorf("got %s to %s", span.From, span.To)
		}
	}
	if n != 1 {
		t.Errorf("got %d spans", n)
	}
}

// Ensure the counter observes the holidays of the entrance, else of the first address with a municipality.
func TestIndex_StateAt_Holiday(t *testing.T) {
	t.Parallel()
	milano := office.Address{Municipality: "015146"}
	cremona := office.Address{Municipality: "019036", Purpose: office.PurposeEntrance}
	withAddresses := func(id string, addresses ...office.Address) office.Office {
		return office.Office{ID: id, State: "ACTIVE", Addresses: addresses,
			Hours: []opening.Hours{newHours(t, 1, "09:00", "13:00")}}
	}
	x := newIndex([]office.Office{
		withAddresses("none"), withAddresses("first", office.Address{}, milano, office.Address{Municipality: "004078"}),
		withAddresses("entrance", milano, cremona),
	}, nil)
	monday := parseTime(t, "2026-12-07T10:00:00+01:00") // patron day of Milano
	for id, want := range map[string]opening.Reason{
		"none": opening.ReasonHours, "first": opening.ReasonHolidayNotGiven, "entrance": opening.ReasonHours,
	} {
		if state := x.StateAt(id, monday); state.Reason != want {
			t.Errorf("%s: %+v", id, state)
		}
	}
}

// Ensure an unknown office and one with invalid hours have an unknown state.
func TestIndex_StateAt_Unknown(t *testing.T) {
	t.Parallel()
	x := newIndex([]office.Office{
		{ID: "first", State: "ACTIVE", Hours: []opening.Hours{newHours(t, 2, "09:00", "13:00")}},
		{ID: "invalid", State: "ACTIVE", Hours: []opening.Hours{{Weekday: 9, Opens: 540, Closes: 600}}},
	}, nil)
	for _, id := range []string{"invalid", "missing"} {
		if state := x.StateAt(id, parseTime(t, "2026-11-24T10:00:00+01:00")); state != (opening.State{}) {
			t.Errorf("%s: %+v", id, state)
		}
	}
	if o, ok := x.Get("missing"); ok || o != nil {
		t.Errorf("missing office is %+v", o)
	}
	if o, ok := x.Get("invalid"); !ok || o.ID != "invalid" {
		t.Errorf("office is %+v, %t", o, ok)
	}
}

// Ensure only numbers that accept calls make an office reachable by telephone.
func TestIndex_Find_Telephone(t *testing.T) {
	t.Parallel()
	hours := []opening.Hours{newHours(t, 2, "09:00", "13:00")}
	for name, c := range map[string]struct {
		phone office.Phone
		want  bool
	}{
		"number":               {office.Phone{Number: "0372 1"}, true},
		"hours without number": {office.Phone{Hours: hours}, false},
		"WhatsApp":             {office.Phone{Number: "333", WhatsApp: true}, false},
		"WhatsApp with hours":  {office.Phone{Number: "333", WhatsApp: true, Hours: hours}, true},
	} {
		x := newIndex([]office.Office{newOffice("a", func(o *office.Office) { o.Phones = []office.Phone{c.phone} })},
			places)
		found := x.Find(office.Query{AccessMode: office.AccessModePhone,
			Now: parseTime(t, "2026-11-24T10:00:00+01:00")})
		if (len(found) == 1) != c.want {
			t.Errorf("%s: found %d", name, len(found))
		}
	}
}

// Ensure an access mode is one of the office's contacts, or one of a service.
func TestIndex_Find_AccessMode(t *testing.T) {
	t.Parallel()
	type o = office.Office
	inPerson := []office.Service{{Type: "RECEPTION", AccessModes: []string{"DESK"}}}
	mail, tuesday := []string{"a@b.it"}, []opening.Hours{newHours(t, 2, "09:00", "13:00")}
	street, town := []office.Address{{Street: "via Roma, 1"}}, []office.Address{{Municipality: "019036"}}
	phones := func(number string, whatsApp bool) []office.Phone {
		return []office.Phone{{Number: number, WhatsApp: whatsApp}}
	}
	for name, c := range map[string]struct {
		office office.Office
		mode   string
		want   bool
	}{
		"a mode of the office alone":        {o{Services: inPerson, Emails: mail}, "MAIL", true},
		"a mode of a service":               {o{Services: inPerson}, "DESK", true},
		"a mode of neither":                 {o{Services: inPerson}, "MAIL", false},
		"a counter with hours":              {o{Hours: tuesday}, "DESK", true},
		"a counter with a street":           {o{Addresses: street}, "DESK", true},
		"an address without a street":       {o{Addresses: town}, "DESK", false},
		"a WhatsApp number":                 {o{Phones: phones("333", true)}, "WHATSAPP", true},
		"WhatsApp without a number":         {o{Phones: phones("", true)}, "WHATSAPP", false},
		"a number that is not for WhatsApp": {o{Phones: phones("0372 1", false)}, "WHATSAPP", false},
		"a mode that no contact offers":     {o{Emails: mail}, "VIDEO", false},
	} {
		c.office.State = "ACTIVE"
		found := newIndex([]office.Office{c.office}, places).Find(office.Query{AccessMode: c.mode,
			Now: parseTime(t, "2026-11-24T10:00:00+01:00")})
		if (len(found) == 1) != c.want {
			t.Errorf("%s: found %d", name, len(found))
		}
	}
}

// Ensure an office that serves several municipalities of a province is found once.
func TestIndex_Find_EachOfficeOnce(t *testing.T) {
	t.Parallel()
	x := newIndex([]office.Office{
		newOffice("a", func(o *office.Office) { o.Territories = []string{"019036", "019035"} }),
	}, places)
	for _, territory := range []string{"019", "015"} { // by province, then by region
		found := x.Find(office.Query{Territory: territory, Now: parseTime(t, "2026-11-24T10:00:00+01:00")})
		if len(found) != 1 {
			t.Errorf("%s: found %d", territory, len(found))
		}
	}
}
