package territory_test

import (
	"slices"
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
		name, query, code string
		reason            territory.Reason
	}{
		{"matches the exact name", "Cremona", "019036", territory.Exact},
		{"ignores case", "CUNEO", "004078", territory.Exact},
		{"matches a code", "015146", "015146", territory.Exact},
		{"matches the code of a region", "03", "03", territory.Exact},
		{"ignores accents", "Forli", "040012", territory.Normalised},
		{"accepts an apostrophe for an accent", "Forli'", "040012", territory.Normalised},
		{"accepts a decomposed accent", "Forlì", "040012", territory.Exact},
		{"accepts a curly apostrophe", "L’Aquila", "066049", territory.Normalised},
		{"accepts a missing article", "Spezia", "011015", territory.Normalised},
		{"matches a name with a preposition", "Reggio nell'Emilia", "035033", territory.Exact},
		{"accepts a missing preposition", "Reggio Emilia", "035033", territory.Normalised},
		{"accepts another missing preposition", "Comune di reggio calabria", "080063", territory.Normalised},
		{"reads a saint's initial", "S. Angelo Lodigiano", "098050", territory.Normalised},
		{"reads a saint in full", "Sant'Angelo Lodigiano", "098050", territory.Exact},
		{"reads a saint with the wrong ending", "San Ilario d'Enza", "035039", territory.Normalised},
		{"ignores a hyphen", "Pieve di Bono Prezzo", "022234", territory.Normalised},
		{"matches German", "Mailand", "015146", territory.OtherLanguage},
		{"matches the German official name", "Bozen", "021008", territory.OtherLanguage},
		{"matches German without its umlaut", "Vols am Schlern", "021031", territory.OtherLanguage},
		{"matches German saints", "St. Ulrich", "021061", territory.OtherLanguage},
		{"matches German without its ß", "Villnöss", "021033", territory.OtherLanguage},
		{"matches German with a capital ẞ", "VILLNÖẞ", "021033", territory.OtherLanguage},
		{"matches Ladin", "Urtijëi", "021061", territory.OtherLanguage},
		{"matches French", "Coni", "004078", territory.OtherLanguage},
		{"matches French with accents", "Crémone", "019036", territory.OtherLanguage},
		{"matches French without accents", "Genes", "010025", territory.OtherLanguage},
		{"matches English", "Florence", "048017", territory.OtherLanguage},
		{"matches Slovene", "Trst", "032006", territory.OtherLanguage},
		{"matches both halves of a municipality", "Merano/Meran", "021051", territory.Normalised},
		{"matches both halves the other way round", "Brixen - Bressanone", "021011", territory.Normalised},
		{"matches both halves of a province by its full name", "Bolzano/Bozen", "021", territory.Exact},
		{"matches both languages of a name in one", "Cremona / Crémone", "019036", territory.Normalised},
		{"matches half a province of two names", "provincia di Bolzano", "021", territory.OtherName},
		{"matches an abbreviation", "CR", "019", territory.OtherName},
		{"matches a region", "Lombardia", "03", territory.Exact},
		{"matches a region in German", "Lombardei", "03", territory.OtherLanguage},
		{"matches a region in French", "Région Vallée d'Aoste", "02", territory.OtherLanguage},
		{"matches half a region", "Trentino Alto Adige", "04", territory.OtherName},
		{"ranks the requested level first", "provincia di Cremona", "019", territory.Exact},
		{"reads the level of a municipality", "Comune di Cremona", "019036", territory.Exact},
		{"reads the level of a metropolitan city", "Città metropolitana di Milano", "015", territory.Exact},
		{"reads the level of a region", "Regione Piemonte", "01", territory.Exact},
		{"reads an abbreviation", "Cremona (CR)", "019036", territory.Exact},
		{"reads an abbreviation after a comma", "Castro, BG", "016065", territory.Exact},
		{"finds a place with a wrong abbreviation", "Cremona (MI)", "019036", territory.Exact},
		{"matches the beginning", "Casalmagg", "019021", territory.Prefix},
		{"does not ignore a digit", "Cremona 2", "019036", territory.Typo},
		{"does not take an accent for the end of a word", "Décremona", "019036", territory.Typo},
		{"corrects a missing letter", "Cremna", "019036", territory.Typo},
		{"corrects two letters in the wrong order", "Milnao", "015146", territory.Typo},
		{"corrects a letter too many", "Cuneoo", "004078", territory.Typo},
		{"corrects a wrong letter", "Crenona", "019036", territory.Typo},
		{"corrects two typing errors in a long name", "Casalmagiorre", "019021", territory.Typo},
		{"corrects a typing error in another language", "Florens", "048017", territory.Typo},
		{"corrects a typing error beside an abbreviation", "Cremna (CR)", "019036", territory.Typo},
		{"corrects a typing error behind a saint's initial", "S. Angelo Lodigano", "098050", territory.Typo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := x.Resolve(c.query, today, 5)
			if len(got) == 0 || got[0].Place.Code != c.code || got[0].Reason != c.reason {
				t.Errorf("%q gives %s, want %s as %s first", c.query, brief(got), c.code, c.reason)
			}
		})
	}
}

func TestIndex_Resolve_ReturnsHomonyms(t *testing.T) {
	t.Parallel()
	x := index(t)
	for query, codes := range map[string][]string{
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
		got := x.Resolve(query, today, 5)
		if len(got) != 2 || got[0].Place.Code != codes[0] || got[1].Place.Code != codes[1] {
			t.Errorf("%q gives %s, want %v", query, brief(got), codes)
		}
	}
}

// Ensure the capital of a province precedes the province, and this other municipalities with a similar name.
func TestIndex_Resolve_RanksSimilarNames(t *testing.T) {
	t.Parallel()
	x := territory.NewIndex([]territory.Place{
		{Code: "901", Kind: territory.Province, Name: "Terra Alta", Abbreviation: "TA"},
		{Code: "901001", Kind: territory.Municipality, Name: "Terra Alba", Province: "901"},
		{Code: "901002", Kind: territory.Municipality, Name: "Terra Alta", Province: "901"},
		{Code: "902", Kind: territory.Province, Name: "Riva e Lago", Abbreviation: "RL",
			Names: map[string][]string{territory.Italian: {"Riva Lunga"}}},
		{Code: "902001", Kind: territory.Municipality, Name: "Riva Lunga", Province: "902"},
	})
	for query, want := range map[string][]string{
		"Terra Al": {"901002", "901", "901001"}, "Riva Lu": {"902001", "902"},
	} {
		var got []string
		for _, c := range x.Resolve(query, today, 5) {
			got = append(got, c.Place.Code)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q gives %v, want %v", query, got, want)
		}
	}
}

func TestIndex_Resolve_UsesDay(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, c := range []struct {
		name, query, day, code string
		reason                 territory.Reason
	}{
		{"finds a place while it exists", "Monteciccardo", "2020-06-30", "041032", territory.Exact},
		{"finds the successor of an ended place", "Monteciccardo", "2020-07-01", "041044", territory.BecamePart},
		{"finds the code of the new province", "Montecopiolo", "2021-06-17", "099030", territory.Exact},
		{"finds the code of the old province", "Montecopiolo", "2021-06-16", "041033", territory.Exact},
		{"finds the successor by a prefix", "Monteciccar", "2024-01-01", "041044", territory.Prefix},
		{"corrects a typing error in a former name", "Monteciccado", "2024-01-01", "041044", territory.Typo},
		{"finds a new name", "Campospinoso Albaredo", "2024-01-01", "018026", territory.Exact},
		{"finds a former name", "Campospinoso", "2024-01-01", "018026", territory.OtherName},
		{"finds a place by the old code", "018002", "2024-01-01", "018026", territory.BecamePart},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := x.Resolve(c.query, day(c.day), 5)
			if len(got) == 0 || got[0].Place.Code != c.code || got[0].Reason != c.reason {
				t.Errorf("%q gives %s, want %s as %s first", c.query, brief(got), c.code, c.reason)
			}
		})
	}
	t.Run("excludes a place that does not exist yet", func(t *testing.T) {
		t.Parallel()
		if got := x.Resolve("Misiliscemi", day("2021-02-19"), 5); len(got) > 0 {
			t.Errorf("got %s", brief(got))
		}
	})
}

func TestIndex_Resolve_FindsNothing(t *testing.T) {
	t.Parallel()
	x := index(t)
	for _, query := range []string{
		"", " ", "()", "/", "Xyzzyx", "qq", "Rma", "999999", "ONLINE", strings.Repeat("Cremona ", 40),
		"\xff\xfe",
	} {
		if got := x.Resolve(query, today, 5); len(got) > 0 {
			t.Errorf("%q gives %s", query, brief(got))
		}
	}
	for _, limit := range []int{0, -1} {
		if got := x.Resolve("Cremona", today, limit); len(got) > 0 {
			t.Errorf("a limit of %d gives %s", limit, brief(got))
		}
	}
	articles := territory.NewIndex([]territory.Place{
		{Code: "019901", Kind: territory.Municipality, Name: "La"},
		{Code: "019902", Kind: territory.Municipality, Name: "San"},
	})
	for _, query := range []string{"Gli", "Sankt"} {
		if got := articles.Resolve(query, today, 5); len(got) > 0 {
			t.Errorf("%q gives %s, although nothing but an article or a saint is equal", query, brief(got))
		}
	}
	if got := x.Resolve(strings.Repeat(" ", 114)+"Cremona", today, 5); len(got) > 0 {
		t.Errorf("a query of 121 characters gives %s", brief(got))
	}
}

// Ensure the exact name of any place yields the place with the best score.
func TestIndex_Resolve_ExactNameProperties(t *testing.T) {
	t.Parallel()
	x := index(t)
	places := placesOn(x, today)
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(places).Draw(t, "place")
		got := x.Resolve(p.Name, today, 10)
		for _, c := range got {
			if c.Place.Code == p.Code && c.Score == 1 && c.Reason == territory.Exact {
				return
			}
		}
		t.Fatalf("%s %q is not at the top of %s", p.Code, p.Name, brief(got))
	})
}

// Ensure a name with one typing error yields the place among the best candidates.
func TestIndex_Resolve_MisspellingProperties(t *testing.T) {
	t.Parallel()
	x := index(t)
	var places []territory.Place
	for _, p := range placesOn(x, today) {
		if lettersOf(p.Name) >= 6 {
			places = append(places, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(places).Draw(t, "place")
		query := misspell(t, p.Name)
		got := x.Resolve(query, today, 5)
		for _, c := range got {
			if c.Place.Code == p.Code {
				return
			}
		}
		if len(got) > 0 && got[0].Reason != territory.Typo && got[0].Reason != territory.Prefix {
			t.Skipf("%q is another name", query)
		}
		// One typing error can be as close to five other places: "Toino" is Torino, Trino, Taino, Torno and Toano.
		for _, c := range x.Resolve(query, today, 50) {
			if c.Place.Code == p.Code && got[4].Score-c.Score < 0.05 {
				return
			}
		}
		t.Fatalf("%s %q is not found by %q: %s", p.Code, p.Name, query, brief(got))
	})
}

// misspell makes one typing error in a name: a missing, extra or wrong letter, or two swapped ones.
func misspell(t *rapid.T, name string) string {
	r := []rune(name)
	var at []int // positions of a letter after a letter
	for i := 1; i < len(r); i++ {
		if unicode.IsLetter(r[i]) && unicode.IsLetter(r[i-1]) {
			at = append(at, i)
		}
	}
	i := rapid.SampledFrom(at).Draw(t, "at")
	letter := rapid.RuneFrom([]rune("abcdefghilmnopqrstuvz")).Draw(t, "letter")
	switch rapid.SampledFrom([]string{"less", "more", "other", "swap"}).Draw(t, "error") {
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

// brief formats candidates for messages.
func brief(candidates []territory.Candidate) string {
	var b strings.Builder
	for _, c := range candidates {
		b.WriteString("[" + c.Place.Code + " " + c.Place.Name + " " + string(c.Reason) + "]")
	}
	return b.String()
}

func FuzzIndex_Resolve(f *testing.F) {
	for _, seed := range []string{
		"Cremona", "Castro (BG)", "Bolzano/Bozen", "provincia di ", "(", "S.", "ß", "\xff",
		"a/b/c", "comune di d'",
	} {
		f.Add(seed, 5)
	}
	x := index(f)
	f.Fuzz(func(t *testing.T, query string, limit int) {
		got := x.Resolve(query, today, limit)
		if len(got) > max(limit, 0) {
			t.Fatalf("%d candidates, at most %d wanted", len(got), limit)
		}
		for i, c := range got {
			if c.Score < 0 || c.Score > 1 || !c.Place.ExistsOn(today) || i > 0 && got[i-1].Score < c.Score {
				t.Fatalf("%q gives %s with invalid scores or days", query, brief(got))
			}
		}
		if utf8.RuneCountInString(query) > 120 && len(got) > 0 {
			t.Fatalf("%d runes give %s", utf8.RuneCountInString(query), brief(got))
		}
	})
}

func BenchmarkIndex_Resolve(b *testing.B) {
	x := index(b)
	for _, c := range []struct{ name, query string }{
		{"exact", "Cremona"}, {"normalised", "S. Angelo Lodigiano"}, {"language", "Crémone"}, {"prefix", "Mon"},
		{"typo", "Cremna"}, {"long typo", "Casalmagiorre"}, {"nothing", "Xyzzyxyzzyx"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Resolve(c.query, today, 5)
			}
		})
	}
}
