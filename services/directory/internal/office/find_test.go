package office_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// places holds two regions: 03 with the provinces 019 and 015, 01 with 004 and 001.
var places = office.Places{
	"019036": "019", "019035": "019", "015146": "015", "004078": "004", "001272": "001", "037006": "037",
	"019": "03", "015": "03", "004": "01", "001": "01", "037": "08", "ONLINE": "",
}

// desk returns an active office that takes people in.
func desk(id string, edit func(*office.Office)) office.Office {
	o := office.Office{
		ID: id, Name: id, Kind: "DESK", State: "ACTIVE", Region: "r", Node: "n", Source: "test",
		Services: []office.Service{{Type: "RECEPTION"}},
	}
	edit(&o)
	return o
}

// at reads a moment with its offset, so that a day on which the clocks change is said without doubt.
func at(t testing.TB, moment string) time.Time {
	t.Helper()
	if moment == "" {
		return time.Time{}
	}
	parsed, err := time.Parse("2006-01-02T15:04:05Z07:00", moment)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func hours(t testing.TB, weekday int, opens, closes string) opening.Hours {
	t.Helper()
	h := opening.Hours{Weekday: weekday}
	if err := h.Opens.UnmarshalText([]byte(opens)); err != nil {
		t.Fatal(err)
	}
	if err := h.Closes.UnmarshalText([]byte(closes)); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestIndex_Find(t *testing.T) {
	t.Parallel()
	tuesday := []opening.Hours{hours(t, 2, "09:00", "13:00")}
	monday := []opening.Hours{hours(t, 1, "08:30", "12:30"), hours(t, 1, "13:30", "15:30")}
	index := indexOf([]office.Office{
		desk("city", func(o *office.Office) {
			o.Territories, o.Hours, o.Phones = []string{"019036", "019"}, tuesday, []office.Phone{{Number: "0372 1"}}
			o.Services = append(o.Services, office.Service{Type: "INTERVIEW", AccessModes: []string{"DESK"}})
		}),
		desk("accounts", func(o *office.Office) {
			o.Territories, o.Services, o.Emails = []string{"019036"}, []office.Service{{Type: "TRAINING"}}, []office.Email{{Address: "a@b.it"}}
		}),
		desk("province", func(o *office.Office) { o.Territories, o.Grounds = []string{"019"}, []string{"DISABILITY"} }),
		desk("metropolis", func(o *office.Office) {
			o.Territories, o.Phones = []string{"015146"}, []office.Phone{{Number: "02 1", Hours: monday}, {Number: "333", WhatsApp: true}}
		}),
		desk("suspended", func(o *office.Office) { o.Territories, o.State = []string{"001272", "001"}, "SUSPENDED" }),
		desk("mountain", func(o *office.Office) { o.Territories = []string{"004"} }),
		desk("later", func(o *office.Office) { o.Territories, o.ValidFrom = []string{"004078"}, "2026-12-01" }),
		desk("earlier", func(o *office.Office) { o.Territories, o.ValidTo = []string{"004078"}, "2026-10-31" }),
	}, places)
	const now = "2026-11-24T10:00:00+01:00" // a Tuesday
	for _, c := range []struct {
		name  string
		query office.Query
		want  []string
	}{
		{"puts who serves the municipality before who serves its province, who takes people in before who does not",
			office.Query{Territory: "019036"}, []string{"city TERRITORY", "accounts TERRITORY", "province TERRITORY_PROVINCE"}},
		{"finds who serves the province of a municipality", office.Query{Territory: "019035"}, []string{"city TERRITORY_PROVINCE", "province TERRITORY_PROVINCE"}},
		{"finds who serves a part of a province", office.Query{Territory: "015"}, []string{"metropolis TERRITORY_PROVINCE"}},
		{"puts who names the ground before who deals with all, leaves out who deals with none",
			office.Query{Territory: "019", Ground: "DISABILITY"}, []string{"province TERRITORY GROUND", "city TERRITORY ALL_GROUNDS"}},
		{"leaves out who names other grounds", office.Query{Territory: "019", Ground: "AGE_OLD"}, []string{"city TERRITORY ALL_GROUNDS"}},
		{"finds by a contact of the office", office.Query{Territory: "019", AccessMode: "PHONE"}, []string{"city TERRITORY ACCESS_MODE"}},
		{"finds by a mode of a service", office.Query{Territory: "019", AccessMode: "DESK", Service: "INTERVIEW"}, []string{"city TERRITORY ACCESS_MODE SERVICE"}},
		{"wants the mode for the service asked for", office.Query{Territory: "019", AccessMode: "PHONE", Service: "INTERVIEW"}, nil},
		{"finds by service", office.Query{Territory: "019036", Service: "TRAINING"}, []string{"accounts TERRITORY SERVICE"}},
		{"finds by WhatsApp number", office.Query{AccessMode: "WHATSAPP"}, []string{"metropolis ACCESS_MODE"}},
		{"finds by mail", office.Query{AccessMode: "MAIL"}, []string{"accounts ACCESS_MODE"}},
		{"finds what is open", office.Query{Territory: "019036", OpenAt: at(t, now)}, []string{"city TERRITORY OPEN"}},
		{"does not call an unanswered telephone open", office.Query{Territory: "015146", OpenAt: at(t, "2026-11-23T13:00:00+01:00"), AccessMode: "PHONE"}, nil},
		{"asks the hours of the telephone of who calls", office.Query{Territory: "015146", OpenAt: at(t, "2026-11-23T14:00:00+01:00"), AccessMode: "PHONE"},
			[]string{"metropolis TERRITORY ACCESS_MODE OPEN"}},
		{"does not call a counter without hours open", office.Query{Territory: "015146", OpenAt: at(t, "2026-11-23T14:00:00+01:00")}, nil},
		{"falls back to the region when nobody serves the place", office.Query{Territory: "001272"}, []string{"mountain NODE_FALLBACK"}},
		{"falls back to the region when who serves the place has not what is asked for", office.Query{Territory: "019036", AccessMode: "WHATSAPP"},
			[]string{"metropolis NODE_FALLBACK ACCESS_MODE"}},
		{"falls back to every node for a place without region", office.Query{Territory: "ONLINE", AccessMode: "PHONE"},
			[]string{"city NODE_FALLBACK ACCESS_MODE", "metropolis NODE_FALLBACK ACCESS_MODE"}},
		{"finds nobody in a region without nodes", office.Query{Territory: "037006"}, nil},
		{"reads the validity of an entry on the day", office.Query{Territory: "004078"}, []string{"mountain TERRITORY_PROVINCE"}},
		{"reads the validity of an entry on the day asked for", office.Query{Territory: "004078", Now: at(t, "2026-12-01T00:00:00+01:00")},
			[]string{"later TERRITORY", "mountain TERRITORY_PROVINCE"}},
		{"finds everybody without restriction", office.Query{}, []string{"city", "metropolis", "mountain", "province", "accounts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.query.Now.IsZero() {
				c.query.Now = at(t, now)
			}
			var got []string
			for _, m := range index.Find(c.query) {
				line := m.Office.ID
				for _, reason := range m.Reasons {
					line += " " + reason
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}

	t.Run("says when it opens", func(t *testing.T) {
		t.Parallel()
		matches := index.Find(office.Query{Territory: "019036", Now: at(t, "2026-11-24T08:00:00+01:00")})
		if s := matches[0].State; !s.Known || s.Open || !s.Next.Equal(at(t, "2026-11-24T09:00:00+01:00")) {
			t.Errorf("got %+v", s)
		}
		if s := matches[1].State; s.Known {
			t.Errorf("an office without hours says %+v", s)
		}
	})

	t.Run("returns fifty at most", func(t *testing.T) {
		t.Parallel()
		var many []office.Office
		for i := range 60 {
			many = append(many, desk(fmt.Sprintf("o%02d", i), func(o *office.Office) { o.Territories = []string{"019036"} }))
		}
		if n := len(indexOf(many, places).Find(office.Query{Territory: "019036", Now: at(t, now)})); n != office.MaxMatches {
			t.Errorf("got %d", n)
		}
	})
}

func TestIndex_Page_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []office.Office
		for i := range rapid.IntRange(0, 30).Draw(t, "offices") {
			all = append(all, desk(fmt.Sprintf("o%d", i), func(o *office.Office) {
				o.Region, o.Node = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "node")
			}))
		}
		index := indexOf(all, places)
		node := rapid.SampledFrom([]string{"", "x", "z"}).Draw(t, "asked")
		size := rapid.IntRange(1, 7).Draw(t, "size")
		var (
			seen  []office.Key
			after office.Key
		)
		for more := true; more; {
			var page []*office.Office
			page, more = index.Page(after, node, size)
			if more && len(page) != size {
				t.Fatalf("a page of %d of %d, and more to come", len(page), size)
			}
			for _, o := range page {
				after = o.Key()
				seen = append(seen, after)
			}
		}
		want := 0
		for i := range all {
			if node == "" || all[i].Node == node {
				want++
			}
		}
		if len(seen) != want || !slices.IsSortedFunc(seen, office.Key.Compare) || len(slices.Compact(seen)) != want {
			t.Fatalf("pages hold %d offices, want %d once and in order", len(seen), want)
		}
	})
}

// BenchmarkIndex_Find asks a national directory of 4,000 offices.
func BenchmarkIndex_Find(b *testing.B) {
	var many []office.Office
	towns := office.Places{"03": ""}
	for i := range 4000 {
		province := fmt.Sprintf("%03d", i%107)
		towns[province] = fmt.Sprintf("%02d", i%20)
		many = append(many, desk(fmt.Sprintf("o%d", i), func(o *office.Office) {
			o.Territories, o.Hours = []string{province}, []opening.Hours{hours(b, 2, "09:00", "13:00"), hours(b, 4, "09:00", "13:00")}
		}))
	}
	index := indexOf(many, towns)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for name, q := range map[string]office.Query{
		"territory": {Territory: "019", Ground: "AGE_OLD", Now: now},
		"open":      {Territory: "019", OpenAt: now, Now: now},
		"all open":  {OpenAt: now, Now: now},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				index.Find(q)
			}
		})
	}
}

// Ensure that who asks for fewer gets the best of them, and never more than there are at most.
func TestIndex_Find_Limit(t *testing.T) {
	t.Parallel()
	var many []office.Office
	for i := range office.MaxMatches + 10 {
		many = append(many, office.Office{ID: fmt.Sprintf("o%02d", i), Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona", Territories: []string{"019036"}})
	}
	x := indexOf(many, places)
	all := x.Find(office.Query{Territory: "019036", Now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)})
	for limit, want := range map[int]int{0: office.MaxMatches, 1: 1, 10: 10, office.MaxMatches + 5: office.MaxMatches} {
		some := x.Find(office.Query{Territory: "019036", Now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Limit: limit})
		if len(some) != want || some[want-1].Office.ID != all[want-1].Office.ID {
			t.Errorf("asked for %d: got %d", limit, len(some))
		}
	}
}

func indexOf(offices []office.Office, places office.Places) *office.Index {
	ready := make([]*office.Compiled, len(offices))
	for i, o := range offices {
		ready[i] = office.Compile(o)
	}
	return office.NewIndex(ready, places)
}
