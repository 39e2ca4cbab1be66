package cli

import (
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// reasonTexts maps the reason codes of FindOffices to their text in Italian and in English.
var reasonTexts = map[string][2]string{
	"TERRITORY":            {"serve il territorio", "serves the place"},
	"TERRITORY_PROVINCE":   {"serve la provincia", "serves the province"},
	"NODE_FALLBACK":        {"accoglie in vece di altri", "stands in for others"},
	"GROUND":               {"tratta questo fattore", "deals with this ground"},
	"ALL_GROUNDS":          {"tratta ogni fattore", "deals with every ground"},
	"ACCESS_MODE":          {"si raggiunge così", "can be reached like this"},
	"SERVICE":              {"dà il servizio", "gives the service"},
	"OPEN":                 {"aperto allora", "open then"},
	"LANGUAGE":             {"parla la lingua", "speaks the language"},
	"LANGUAGE_PARTLY":      {"parla alcune delle lingue", "speaks some of the languages"},
	"ACCESSIBILITY":        {"accessibile come chiesto", "accessible as asked"},
	"ACCESSIBILITY_PARTLY": {"accessibile in parte", "accessible in part"},
}

// reasons translates the reason codes of an office that was found. It returns unknown codes unchanged.
func (c *cli) reasons(codes []string) string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = code
		if text, ok := reasonTexts[code]; ok {
			texts[i] = c.label(text[0], text[1])
		}
	}
	return strings.Join(texts, "; ")
}

// restrictedMark marks an office with restricted visibility, so that its address is not given out by mistake.
func (c *cli) restrictedMark(o *directoryv1.Office) string {
	if o.GetVisibility() == directoryv1.Visibility_VISIBILITY_UNSPECIFIED {
		return ""
	}
	return c.label(" (RISERVATO)", " (HIDDEN)")
}
