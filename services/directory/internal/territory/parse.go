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
	r := &parser{fsys: fsys, places: map[string]*Place{}}
	r.loadFile(regionsFile, r.addRegion, "istat_code", "name", "nuts")
	r.loadFile(provincesFile, r.addProvince, "istat_code", "name", "sign", "region_code", "nuts")
	lists, err := fs.Glob(fsys, "territories/*.csv")
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		switch name := path.Base(list); name {
		case regionsFile, provincesFile, namesFile, changesFile, ipaFile:
		default:
			r.loadFile(name, r.addMunicipality, "istat_code", "name", "province_code")
		}
	}
	r.loadFile(changesFile, r.addChange, "date", "kind", "istat_code", "successor", "name", "source")
	r.checkSuccessors()
	r.loadFile(namesFile, r.addName, "istat_code", "language", "name", "source")
	r.loadFile(ipaFile, r.addIPACode, "istat_code", "ipa_code", "source", "date")
	if err := errors.Join(r.problems...); err != nil {
		return nil, err
	}
	return r.ordered(), nil
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
func (r *parser) problemf(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("territories/%s: %w", r.file, fmt.Errorf(format, args...)))
}

// loadFile calls add with each row of a file, which may be missing.
func (r *parser) loadFile(file string, add func(field func(string) string), columns ...string) {
	r.file = file
	raw, err := fs.ReadFile(r.fsys, path.Join("territories", file))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var t table
	if err == nil {
		t, err = parseTable(raw, columns...)
	}
	if err != nil {
		r.problemf("%w", err)
		return
	}
	t.each(add)
}

func (r *parser) addRegion(field func(string) string) {
	r.addPlace(Place{Code: field("istat_code"), Kind: Region, Name: field("name"), NUTS: field("nuts")})
}

func (r *parser) addProvince(field func(string) string) {
	p := Place{
		Code: field("istat_code"), Kind: Province, Name: field("name"), Region: field("region_code"),
		Abbreviation: field("sign"), NUTS: field("nuts"),
		ValidFrom: r.checkDay(field("valid_from")), ValidTo: r.checkDay(field("valid_to")),
	}
	if !abbreviationFormat.MatchString(p.Abbreviation) {
		r.problemf("province %s: %q is not an abbreviation", p.Code, p.Abbreviation)
	}
	r.addPlace(p)
}

func (r *parser) addMunicipality(field func(string) string) {
	p := Place{
		Code: field("istat_code"), Kind: Municipality, Name: field("name"), Province: field("province_code"),
		CadastralCode: field("cadastral_code"),
	}
	if parent, ok := r.places[p.Province]; ok {
		p.Abbreviation, p.Region = parent.Abbreviation, parent.Region
	}
	r.addPlace(p)
}

func (r *parser) addPlace(p Place) {
	if !codeFormats[p.Kind].MatchString(p.Code) {
		r.problemf("%q is not a code of a %s", p.Code, p.Kind)
		return
	}
	if _, found := r.places[p.Code]; found {
		r.problemf("code %s is listed twice", p.Code)
		return
	}
	if p.Name == "" {
		r.problemf("place %s has no name", p.Code)
	}
	if parent := p.Parent(); p.Kind != Region && r.places[parent] == nil {
		r.problemf("place %s lies in %q, which is unknown", p.Code, parent)
	}
	if p.ValidFrom != "" && p.ValidTo != "" && p.ValidTo < p.ValidFrom {
		r.problemf("place %s ends before it begins", p.Code)
	}
	r.places[p.Code] = &p
	r.order = append(r.order, p.Code)
}

func (r *parser) addName(field func(string) string) {
	p, language, name := r.lookup(field("istat_code")), field("language"), field("name")
	switch {
	case p == nil:
	case !languageFormat.MatchString(language):
		r.problemf("place %s: %q is not a language", p.Code, language)
	case name == "":
		r.problemf("place %s has an empty name in %s", p.Code, language)
	case slices.Contains(p.Names[language], name):
		r.problemf("place %s has the name %q in %s twice", p.Code, name, language)
	default:
		if p.Names == nil {
			p.Names = map[string][]string{}
		}
		p.Names[language] = append(p.Names[language], name)
	}
}

func (r *parser) addIPACode(field func(string) string) {
	r.checkDay(field("date"))
	switch p := r.lookup(field("istat_code")); {
	case p == nil:
	case p.IPACode != "":
		r.problemf("place %s has two IPA codes", p.Code)
	default:
		p.IPACode = field("ipa_code")
	}
}

// lookup returns the place with a code, or records a problem and returns nil.
func (r *parser) lookup(code string) *Place {
	p := r.places[code]
	if p == nil {
		r.problemf("code %q is unknown", code)
	}
	return p
}

// checkDay returns the day, or records a problem and returns "" if it does not exist.
func (r *parser) checkDay(day string) string {
	if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
		r.problemf("%q is not a day", day)
		return ""
	}
	return day
}

// ordered returns each province followed by its municipalities, after the regions.
func (r *parser) ordered() []Place {
	children := map[string][]Place{}
	var out, provinces []Place
	for _, code := range r.order {
		switch p := *r.places[code]; p.Kind {
		case Region:
			out = append(out, p)
		case Province:
			provinces = append(provinces, p)
		case Municipality:
			children[p.Province] = append(children[p.Province], p)
		}
	}
	for _, p := range provinces {
		out = append(append(out, p), children[p.Code]...)
	}
	return out
}
