package territory_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/retepari/pari/services/directory/internal/territory"
)

func TestIndex_Resolve(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, c := range []struct {
		name, written, code string
		reason              territory.Reason
	}{
		{"takes the name as it is", "Cremona", "019036", territory.Exact},
		{"does not mind case", "CUNEO", "004078", territory.Exact},
		{"takes a code", "015146", "015146", territory.Exact},
		{"takes the code of a region", "03", "03", territory.Exact},
		{"does not mind accents", "Forli", "040012", territory.Normalised},
		{"takes an apostrophe for an accent", "Forli'", "040012", territory.Normalised},
		{"takes an accent in two characters", "Forlì", "040012", territory.Exact},
		{"takes a curly apostrophe", "L’Aquila", "066049", territory.Normalised},
		{"does without the article", "Spezia", "011015", territory.Normalised},
		{"takes the whole name with its preposition", "Reggio nell'Emilia", "035033", territory.Exact},
		{"does without the preposition", "Reggio Emilia", "035033", territory.Normalised},
		{"does without another preposition", "Comune di reggio calabria", "080063", territory.Normalised},
		{"reads a saint's initial", "S. Angelo Lodigiano", "098050", territory.Normalised},
		{"reads a saint in full", "Sant'Angelo Lodigiano", "098050", territory.Exact},
		{"reads a saint with the wrong ending", "San Ilario d'Enza", "035039", territory.Normalised},
		{"does not mind a hyphen", "Pieve di Bono Prezzo", "022234", territory.Normalised},
		{"takes German", "Mailand", "015146", territory.OtherLanguage},
		{"takes the German official name", "Bozen", "021008", territory.OtherLanguage},
		{"takes German without its umlaut", "Vols am Schlern", "021031", territory.OtherLanguage},
		{"takes German saints", "St. Ulrich", "021061", territory.OtherLanguage},
		{"takes Ladin", "Urtijëi", "021061", territory.OtherLanguage},
		{"takes French", "Coni", "004078", territory.OtherLanguage},
		{"takes French with accents", "Crémone", "019036", territory.OtherLanguage},
		{"takes French without accents", "Genes", "010025", territory.OtherLanguage},
		{"takes English", "Florence", "048017", territory.OtherLanguage},
		{"takes Slovene", "Trst", "032006", territory.OtherLanguage},
		{"takes both halves of a municipality", "Merano/Meran", "021051", territory.Normalised},
		{"takes both halves the other way round", "Brixen - Bressanone", "021011", territory.Normalised},
		{"takes both halves of a province at its word", "Bolzano/Bozen", "021", territory.Exact},
		{"takes half a province of two names", "provincia di Bolzano", "021", territory.OtherName},
		{"takes a sign", "CR", "019", territory.OtherName},
		{"takes a region", "Lombardia", "03", territory.Exact},
		{"takes a region in German", "Lombardei", "03", territory.OtherLanguage},
		{"takes a region in French", "Région Vallée d'Aoste", "02", territory.OtherLanguage},
		{"takes half a region", "Trentino Alto Adige", "04", territory.OtherName},
		{"puts the level first that was asked for", "provincia di Cremona", "019", territory.Exact},
		{"hears a municipality", "Comune di Cremona", "019036", territory.Exact},
		{"hears a metropolitan city", "Città metropolitana di Milano", "015", territory.Exact},
		{"hears a region", "Regione Piemonte", "01", territory.Exact},
		{"reads a sign", "Cremona (CR)", "019036", territory.Exact},
		{"reads a sign after a comma", "Castro, BG", "016065", territory.Exact},
		{"still finds a place under a wrong sign", "Cremona (MI)", "019036", territory.Exact},
		{"takes the beginning", "Casalmagg", "019021", territory.Prefix},
		{"forgives a missing letter", "Cremna", "019036", territory.Typo},
		{"forgives two letters in the wrong order", "Milnao", "015146", territory.Typo},
		{"forgives a letter too many", "Cuneoo", "004078", territory.Typo},
		{"forgives a wrong letter", "Crenona", "019036", territory.Typo},
		{"forgives two slips in a long name", "Casalmagiorre", "019021", territory.Typo},
		{"forgives a slip in another language", "Florens", "048017", territory.Typo},
		{"forgives a slip beside a sign", "Cremna (CR)", "019036", territory.Typo},
		{"forgives a slip behind a saint's initial", "S. Angelo Lodigano", "098050", territory.Typo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := x.Resolve(c.written, today, 5)
			if len(got) == 0 || got[0].Place.Code != c.code || got[0].Reason != c.reason {
				t.Errorf("%q gives %s, want %s as %s first", c.written, brief(got), c.code, c.reason)
			}
		})
	}
}

func TestIndex_Resolve_ReturnsHomonyms(t *testing.T) {
	t.Parallel()
	x := index(t)
	for written, codes := range map[string][]string{
		"Castro":      {"016065", "075096"},
		"Livo":        {"013130", "022106"},
		"Samone":      {"001235", "022165"},
		"Peglio":      {"013178", "041041"},
		"San Teodoro": {"083090", "090092"},
		"Calliano":    {"005014", "022035"},
		"Cremona":     {"019036", "019"},
		"Südtirol":    {"021", "04"},
		"Castro (LE)": {"075096", "016065"},
	} {
		got := x.Resolve(written, today, 5)
		if len(got) != 2 || got[0].Place.Code != codes[0] || got[1].Place.Code != codes[1] {
			t.Errorf("%q gives %s, want %v", written, brief(got), codes)
		}
	}
}

func TestIndex_Resolve_FollowsTime(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, c := range []struct {
		name, written, day, code string
		reason                   territory.Reason
	}{
		{"finds a place while it exists", "Monteciccardo", "2020-06-30", "041032", territory.Exact},
		{"finds what a place became part of", "Monteciccardo", "2020-07-01", "041044", territory.BecamePart},
		{"finds the code of the new province", "Montecopiolo", "2021-06-17", "099030", territory.Exact},
		{"finds the code of the old province", "Montecopiolo", "2021-06-16", "041033", territory.Exact},
		{"forgives a slip in a former name", "Monteciccado", "2024-01-01", "041044", territory.Typo},
		{"finds a new name", "Campospinoso Albaredo", "2024-01-01", "018026", territory.Exact},
		{"finds a former name", "Campospinoso", "2024-01-01", "018026", territory.OtherName},
		{"finds a place by the old code", "018002", "2024-01-01", "018026", territory.BecamePart},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := x.Resolve(c.written, day(c.day), 5)
			if len(got) == 0 || got[0].Place.Code != c.code || got[0].Reason != c.reason {
				t.Errorf("%q gives %s, want %s as %s first", c.written, brief(got), c.code, c.reason)
			}
		})
	}
	t.Run("does not find what is yet to be", func(t *testing.T) {
		t.Parallel()
		if got := x.Resolve("Misiliscemi", day("2021-02-19"), 5); len(got) > 0 {
			t.Errorf("got %s", brief(got))
		}
	})
}

func TestIndex_Resolve_FindsNothing(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, written := range []string{"", " ", "()", "/", "Xyzzyx", "qq", "999999", "ONLINE", strings.Repeat("Cremona ", 40), "\xff\xfe"} {
		if got := x.Resolve(written, today, 5); len(got) > 0 {
			t.Errorf("%q gives %s", written, brief(got))
		}
	}
	if got := x.Resolve("Cremona", today, 0); len(got) > 0 {
		t.Errorf("a limit of 0 gives %s", brief(got))
	}
}

func TestIndex_Resolve_FindsEveryPlaceByItsName(t *testing.T) {
	t.Parallel()
	x := index(t)
	places := x.ListOn(today)
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(places).Draw(t, "place")
		got := x.Resolve(p.Name, today, 10)
		for _, c := range got {
			if c.Place.Code == p.Code && c.Score == got[0].Score && c.Reason == territory.Exact {
				return
			}
		}
		t.Fatalf("%s %q is not at the top of %s", p.Code, p.Name, brief(got))
	})
}

func TestIndex_Resolve_FindsEveryPlaceByAMisspelling(t *testing.T) {
	t.Parallel()
	x := index(t)
	var places []territory.Place
	for _, p := range x.ListOn(today) {
		if lettersOf(p.Name) >= 6 {
			places = append(places, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(places).Draw(t, "place")
		written := misspell(t, p.Name)
		got := x.Resolve(written, today, 5)
		for _, c := range got {
			if c.Place.Code == p.Code {
				return
			}
		}
		if len(got) > 0 && got[0].Reason != territory.Typo && got[0].Reason != territory.Prefix {
			t.Skipf("%q is another name", written)
		}
		// One slip can lead as near to five others: "Toino" is Torino, Trino, Taino, Torno and Toano.
		for _, c := range x.Resolve(written, today, 50) {
			if c.Place.Code == p.Code && got[4].Score-c.Score < 0.05 {
				return
			}
		}
		t.Fatalf("%s %q is not found by %q: %s", p.Code, p.Name, written, brief(got))
	})
}

// misspell makes one slip in a name: a letter less, one more, another one, or two in the wrong order.
func misspell(t *rapid.T, name string) string {
	r := []rune(name)
	var at []int // where a letter follows a letter
	for i := 1; i < len(r); i++ {
		if unicode.IsLetter(r[i]) && unicode.IsLetter(r[i-1]) {
			at = append(at, i)
		}
	}
	i := rapid.SampledFrom(at).Draw(t, "at")
	letter := rapid.RuneFrom([]rune("abcdefghilmnopqrstuvz")).Draw(t, "letter")
	switch rapid.SampledFrom([]string{"less", "more", "other", "swap"}).Draw(t, "slip") {
	case "less":
		return string(r[:i]) + string(r[i+1:])
	case "more":
		return string(r[:i]) + string(letter) + string(r[i:])
	case "other":
		return string(r[:i]) + string(letter) + string(r[i+1:])
	default:
		r[i-1], r[i] = r[i], r[i-1]
		return string(r)
	}
}

func lettersOf(name string) int {
	n := 0
	for _, c := range name {
		if unicode.IsLetter(c) {
			n++
		}
	}
	return n
}

func brief(candidates []territory.Candidate) string {
	var b strings.Builder
	for _, c := range candidates {
		b.WriteString("[" + c.Place.Code + " " + c.Place.Name + " " + string(c.Reason) + "]")
	}
	return b.String()
}

func FuzzIndex_Resolve(f *testing.F) {
	for _, seed := range []string{"Cremona", "Castro (BG)", "Bolzano/Bozen", "provincia di ", "(", "S.", "ß", "\xff", "a/b/c", "comune di d'"} {
		f.Add(seed, 5)
	}
	x := index(f)
	f.Fuzz(func(t *testing.T, written string, limit int) {
		got := x.Resolve(written, today, limit)
		if len(got) > max(limit, 0) {
			t.Fatalf("%d candidates, at most %d wanted", len(got), limit)
		}
		for i, c := range got {
			if c.Score < 0 || c.Score > 1 || !c.Place.ExistsOn(today) || i > 0 && got[i-1].Score < c.Score {
				t.Fatalf("%q gives %s with scores out of order or out of time", written, brief(got))
			}
		}
		if utf8.RuneCountInString(written) > 120 && len(got) > 0 {
			t.Fatalf("%d runes give %s", utf8.RuneCountInString(written), brief(got))
		}
	})
}

func BenchmarkIndex_Resolve(b *testing.B) {
	x := index(b)
	for _, c := range []struct{ name, written string }{
		{"exact", "Cremona"}, {"normalised", "S. Angelo Lodigiano"}, {"language", "Crémone"}, {"prefix", "Mon"},
		{"typo", "Cremna"}, {"long typo", "Casalmagiorre"}, {"nothing", "Xyzzyxyzzyx"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Resolve(c.written, today, 5)
			}
		})
	}
}
