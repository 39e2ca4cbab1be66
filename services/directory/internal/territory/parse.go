package territory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"time"
)

// The files in territories that do not list municipalities. Every other *.csv does.
const (
	regionsFile   = "regions.csv"
	provincesFile = "provinces.csv"
	namesFile     = "names.csv"
	changesFile   = "changes.csv"
	ipaFile       = "ipa.csv"
)

var (
	codeFormats = map[Kind]*regexp.Regexp{
		Region: regexp.MustCompile(`^\d{2}$`), Province: regexp.MustCompile(`^\d{3}$`),
		Municipality: regexp.MustCompile(`^\d{6}$`),
	}
	abbreviationFormat = regexp.MustCompile(`^[A-Z]{2}$`)
	languageFormat     = regexp.MustCompile(`^[a-z]{2,3}$`)
)

// ParseFS returns the places of territories/*.csv: the regions, then each province followed by its municipalities, in
// the order of the files. It reports all problems at once: invalid, unknown or repeated codes, missing parents and
// successors, and invalid abbreviations, languages and days. Without files there are no places.
func ParseFS(fsys fs.FS) ([]Place, error) {
	p := &parser{fsys: fsys, places: map[string]*Place{}}
	p.loadFile(regionsFile, p.addRegion, "istat_code", "name", "nuts")
	p.loadFile(provincesFile, p.addProvince, "istat_code", "name", "sign", "region_code", "nuts")
	lists, err := fs.Glob(fsys, "territories/*.csv")
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		switch name := path.Base(list); name {
		case regionsFile, provincesFile, namesFile, changesFile, ipaFile:
		default:
			p.loadFile(name, p.addMunicipality, "istat_code", "name", "province_code")
		}
	}
	p.loadFile(changesFile, p.addChange, "date", "kind", "istat_code", "successor", "name", "source")
	p.checkSuccessors()
	p.loadFile(namesFile, p.addName, "istat_code", "language", "name", "source")
	p.loadFile(ipaFile, p.addIPACode, "istat_code", "ipa_code", "source", "date")
	if err := errors.Join(p.problems...); err != nil {
		return nil, err
	}
	return p.ordered(), nil
}

// parser collects places and problems from the files.
type parser struct {
	fsys     fs.FS
	file     string
	order    []string
	places   map[string]*Place
	lastDay  string
	problems []error
}

// problemf records a problem of the current file.
func (p *parser) problemf(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("territories/%s: %w", p.file, fmt.Errorf(format, args...)))
}

// loadFile calls add with each row of a file, which may be missing.
func (p *parser) loadFile(file string, add func(field func(string) string), columns ...string) {
	p.file = file
	raw, err := fs.ReadFile(p.fsys, path.Join("territories", file))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var t table
	if err == nil {
		t, err = parseTable(raw, columns...)
	}
	if err != nil {
		p.problemf("%w", err)
		return
	}
	t.each(add)
}

func (p *parser) addRegion(field func(string) string) {
	p.addPlace(Place{Code: field("istat_code"), Kind: Region, Name: field("name"), NUTS: field("nuts")})
}

func (p *parser) addProvince(field func(string) string) {
	place := Place{
		Code: field("istat_code"), Kind: Province, Name: field("name"), Region: field("region_code"),
		Abbreviation: field("sign"), NUTS: field("nuts"),
		ValidFrom: p.checkDay(field("valid_from")), ValidTo: p.checkDay(field("valid_to")),
	}
	if !abbreviationFormat.MatchString(place.Abbreviation) {
		p.problemf("province %s: %q is not an abbreviation", place.Code, place.Abbreviation)
	}
	p.addPlace(place)
}

func (p *parser) addMunicipality(field func(string) string) {
	place := Place{
		Code: field("istat_code"), Kind: Municipality, Name: field("name"), Province: field("province_code"),
		CadastralCode: field("cadastral_code"),
	}
	if parent, ok := p.places[place.Province]; ok {
		place.Abbreviation, place.Region = parent.Abbreviation, parent.Region
	}
	p.addPlace(place)
}

func (p *parser) addPlace(place Place) {
	if !codeFormats[place.Kind].MatchString(place.Code) {
		p.problemf("%q is not a code of a %s", place.Code, place.Kind)
		return
	}
	if _, found := p.places[place.Code]; found {
		p.problemf("code %s is listed twice", place.Code)
		return
	}
	if place.Name == "" {
		p.problemf("place %s has no name", place.Code)
	}
	if parent := place.Parent(); place.Kind != Region && p.places[parent] == nil {
		p.problemf("place %s lies in %q, which is unknown", place.Code, parent)
	}
	if place.ValidTo != "" && place.ValidTo < place.ValidFrom {
		p.problemf("place %s ends before it begins", place.Code)
	}
	p.places[place.Code] = &place
	p.order = append(p.order, place.Code)
}

func (p *parser) addName(field func(string) string) {
	place, language, name := p.lookup(field("istat_code")), field("language"), field("name")
	switch {
	case place == nil:
	case !languageFormat.MatchString(language):
		p.problemf("place %s: %q is not a language", place.Code, language)
	case name == "":
		p.problemf("place %s has an empty name in %s", place.Code, language)
	case slices.Contains(place.Names[language], name):
		p.problemf("place %s has the name %q in %s twice", place.Code, name, language)
	default:
		if place.Names == nil {
			place.Names = map[string][]string{}
		}
		place.Names[language] = append(place.Names[language], name)
	}
}

func (p *parser) addIPACode(field func(string) string) {
	p.checkDay(field("date"))
	switch place := p.lookup(field("istat_code")); {
	case place == nil:
	case place.IPACode != "":
		p.problemf("place %s has two IPA codes", place.Code)
	default:
		place.IPACode = field("ipa_code")
	}
}

// lookup returns the place with a code, or records a problem and returns nil.
func (p *parser) lookup(code string) *Place {
	place := p.places[code]
	if place == nil {
		p.problemf("code %q is unknown", code)
	}
	return place
}

// checkDay returns the day, or records a problem and returns "" if it does not exist.
func (p *parser) checkDay(day string) string {
	if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
		p.problemf("%q is not a day", day)
		return ""
	}
	return day
}

// ordered returns each province followed by its municipalities, after the regions.
func (p *parser) ordered() []Place {
	children := map[string][]Place{}
	var out, provinces []Place
	for _, code := range p.order {
		switch place := *p.places[code]; place.Kind {
		case Region:
			out = append(out, place)
		case Province:
			provinces = append(provinces, place)
		case Municipality:
			children[place.Province] = append(children[place.Province], place)
		}
	}
	for _, place := range provinces {
		out = append(append(out, place), children[place.Code]...)
	}
	return out
}
