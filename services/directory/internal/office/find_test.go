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

// newOffice returns an active office that offers intake.
func newOffice(id string, edit func(*office.Office)) office.Office {
	o := office.Office{
		ID: id, Name: id, State: "ACTIVE", Region: "r", Node: "n",
		Services: []office.Service{{Type: "RECEPTION"}},
	}
	edit(&o)
	return o
}

// parseTime parses a moment with its offset, which is unambiguous on days on which the clocks change.
func parseTime(t testing.TB, moment string) time.Time {
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

func newHours(t testing.TB, weekday int, opens, closes string) opening.Hours {
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
	tuesday := []opening.Hours{newHours(t, 2, "09:00", "13:00")}
	monday := []opening.Hours{newHours(t, 1, "08:30", "12:30"), newHours(t, 1, "13:30", "15:30")}
	index := newIndex([]office.Office{
		newOffice("city", func(o *office.Office) {
			o.Territories, o.Hours, o.Phones = []string{"019036", "019"}, tuesday, []office.Phone{{Number: "0372 1"}}
			o.Services = append(o.Services, office.Service{Type: "INTERVIEW", AccessModes: []string{"DESK"}})
		}),
		newOffice("accounts", func(o *office.Office) {
			o.Territories, o.Services, o.Emails = []string{"019036"}, []office.Service{{Type: "TRAINING"}},
				[]string{"a@b.it"}
		}),
		newOffice("province",
			func(o *office.Office) { o.Territories, o.Grounds = []string{"019"}, []string{"DISABILITY"} }),
		newOffice("metropolis", func(o *office.Office) {
			o.Territories, o.Phones = []string{"015146"},
				[]office.Phone{{Number: "02 1", Hours: monday}, {Number: "333", WhatsApp: true}}
		}),
		newOffice("suspended",
			func(o *office.Office) { o.Territories, o.State = []string{"001272", "001"}, "SUSPENDED" }),
		newOffice("mountain", func(o *office.Office) { o.Territories = []string{"004"} }),
		newOffice("later", func(o *office.Office) { o.Territories, o.ValidFrom = []string{"004078"}, "2026-12-01" }),
		newOffice("earlier", func(o *office.Office) { o.Territories, o.ValidTo = []string{"004078"}, "2026-10-31" }),
	}, places)
	const now = "2026-11-24T10:00:00+01:00" // a Tuesday
	for _, c := range []struct {
		name  string
		query office.Query
		want  []string
	}{
		{"ranks the municipality above its province, and intake above none",
			office.Query{Territory: "019036"},
			[]string{"city TERRITORY", "accounts TERRITORY", "province TERRITORY_PROVINCE"}},
		{"finds offices that serve the province of a municipality", office.Query{Territory: "019035"},
			[]string{"city TERRITORY_PROVINCE", "province TERRITORY_PROVINCE"}},
		{"finds offices that serve a part of a province", office.Query{Territory: "015"},
			[]string{"metropolis TERRITORY_PROVINCE"}},
		{"ranks a listed ground above all grounds, and excludes offices without intake",
			office.Query{Territory: "019", Ground: "DISABILITY"},
			[]string{"province TERRITORY GROUND", "city TERRITORY ALL_GROUNDS"}},
		{"excludes offices that list other grounds", office.Query{Territory: "019", Ground: "AGE_OLD"},
			[]string{"city TERRITORY ALL_GROUNDS"}},
		{"finds by a contact of the office", office.Query{Territory: "019", AccessMode: "PHONE"},
			[]string{"city TERRITORY ACCESS_MODE"}},
		{"finds by a mode of a service", office.Query{Territory: "019", AccessMode: "DESK", Service: "INTERVIEW"},
			[]string{"city TERRITORY ACCESS_MODE SERVICE"}},
		{"requires the mode for the requested service",
			office.Query{Territory: "019", AccessMode: "PHONE", Service: "INTERVIEW"}, nil},
		{"finds by service", office.Query{Territory: "019036", Service: "TRAINING"},
			[]string{"accounts TERRITORY SERVICE"}},
		{"finds by WhatsApp number", office.Query{AccessMode: "WHATSAPP"}, []string{"metropolis ACCESS_MODE"}},
		{"finds by mail", office.Query{AccessMode: "MAIL"}, []string{"accounts ACCESS_MODE"}},
		{"finds open offices", office.Query{Territory: "019036", OpenAt: parseTime(t, now)},
			[]string{"city TERRITORY OPEN"}},
		{"excludes a telephone outside its hours",
			office.Query{Territory: "015146", OpenAt: parseTime(t, "2026-11-23T13:00:00+01:00"), AccessMode: "PHONE"},
			nil},
		{"uses the hours of the telephone for calls",
			office.Query{Territory: "015146", OpenAt: parseTime(t, "2026-11-23T14:00:00+01:00"), AccessMode: "PHONE"},
			[]string{"metropolis TERRITORY ACCESS_MODE OPEN"}},
		{"excludes a counter without hours",
			office.Query{Territory: "015146", OpenAt: parseTime(t, "2026-11-23T14:00:00+01:00")}, nil},
		{"falls back to the region if no office serves the place", office.Query{Territory: "001272"},
			[]string{"mountain NODE_FALLBACK"}},
		{"falls back to the region if no office that serves the place matches",
			office.Query{Territory: "019036", AccessMode: "WHATSAPP"},
			[]string{"metropolis NODE_FALLBACK ACCESS_MODE"}},
		{"falls back to every node for a place without region", office.Query{Territory: "ONLINE", AccessMode: "PHONE"},
			[]string{"city NODE_FALLBACK ACCESS_MODE", "metropolis NODE_FALLBACK ACCESS_MODE"}},
		{"finds nothing in a region without offices", office.Query{Territory: "037006"}, nil},
		{"checks the validity of an entry on the current day", office.Query{Territory: "004078"},
			[]string{"mountain TERRITORY_PROVINCE"}},
		{"checks the validity of an entry on the requested day",
			office.Query{Territory: "004078", Now: parseTime(t, "2026-12-01T00:00:00+01:00")},
			[]string{"later TERRITORY", "mountain TERRITORY_PROVINCE"}},
		{"finds all offices without restrictions", office.Query{},
			[]string{"city", "metropolis", "mountain", "province", "accounts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.query.Now.IsZero() {
				c.query.Now = parseTime(t, now)
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

	t.Run("returns the next opening", func(t *testing.T) {
		t.Parallel()
		matches := index.Find(office.Query{Territory: "019036", Now: parseTime(t, "2026-11-24T08:00:00+01:00")})
		if s := matches[0].State; !s.Known || s.Open || !s.Next.Equal(parseTime(t, "2026-11-24T09:00:00+01:00")) {
			t.Errorf("got %+v", s)
		}
		if s := matches[1].State; s.Known {
			t.Errorf("an office without hours has the state %+v", s)
		}
	})

	t.Run("returns at most MaxMatches", func(t *testing.T) {
		t.Parallel()
		var many []office.Office
		for i := range 60 {
			many = append(many,
				newOffice(fmt.Sprintf("o%02d", i), func(o *office.Office) { o.Territories = []string{"019036"} }))
		}
		if n := len(newIndex(many,
			places).Find(office.Query{Territory: "019036", Now: parseTime(t, now)})); n != office.MaxMatches {
			t.Errorf("got %d", n)
		}
	})
}

// Ensure pages of any size hold each office of the node once and in order.
func TestIndex_Page_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []office.Office
		for i := range rapid.IntRange(0, 30).Draw(t, "offices") {
			all = append(all, newOffice(fmt.Sprintf("o%d", i), func(o *office.Office) {
				o.Region, o.Node = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region"),
					rapid.SampledFrom([]string{"x", "y"}).Draw(t, "node")
			}))
		}
		index := newIndex(all, places)
		node := rapid.SampledFrom([]string{"", "x", "z"}).Draw(t, "asked")
		size := rapid.IntRange(1, 7).Draw(t, "size")
		var (
			seen  []office.Key
			after office.Key
		)
		for more := true; more; {
			var page []*office.Office
			page, more = index.Page(after, node, size)
			if len(page) > size || more && len(page) != size {
				t.Fatalf("a page of %d of %d, although more follow", len(page), size)
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

// BenchmarkIndex_Find queries a national directory of 4,000 offices.
func BenchmarkIndex_Find(b *testing.B) {
	var many []office.Office
	towns := office.Places{"03": ""}
	for i := range 4000 {
		province := fmt.Sprintf("%03d", i%107)
		towns[province] = fmt.Sprintf("%02d", i%20)
		many = append(many, newOffice(fmt.Sprintf("o%d", i), func(o *office.Office) {
			o.Territories, o.Hours = []string{province},
				[]opening.Hours{newHours(b, 2, "09:00", "13:00"), newHours(b, 4, "09:00", "13:00")}
		}))
	}
	index := newIndex(many, towns)
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

// Ensure a limit keeps the best matches and never exceeds MaxMatches.
func TestIndex_Find_Limit(t *testing.T) {
	t.Parallel()
	var many []office.Office
	for i := range office.MaxMatches + 10 {
		many = append(many,
			office.Office{ID: fmt.Sprintf("o%02d", i), State: "ACTIVE", Region: "lombardia",
				Node: "cremona", Territories: []string{"019036"}})
	}
	x := newIndex(many, places)
	all := x.Find(office.Query{Territory: "019036", Now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)})
	for limit, want := range map[int]int{0: office.MaxMatches, 1: 1, 10: 10, office.MaxMatches + 5: office.MaxMatches} {
		some := x.Find(office.Query{Territory: "019036", Now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
			Limit: limit})
		if len(some) != want || some[want-1].Office.ID != all[want-1].Office.ID {
			t.Errorf("asked for %d: got %d", limit, len(some))
		}
	}
}

func newIndex(offices []office.Office, places office.Places) *office.Index {
	compiled := make([]*office.Compiled, len(offices))
	for i, o := range offices {
		compiled[i] = office.Compile(o)
	}
	return office.NewIndex(compiled, places)
}
