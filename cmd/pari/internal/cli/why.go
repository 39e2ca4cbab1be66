package cli

import (
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// why is what a reason for finding an office says to people, in Italian and in English.
var why = map[string][2]string{
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

// hidden marks an office that few may see, so that nobody reads it out by mistake.
func (c *cli) hidden(o *directoryv1.Office) string {
	if o.GetVisibility() == directoryv1.Visibility_VISIBILITY_UNSPECIFIED {
		return ""
	}
	return c.label(" (RISERVATO)", " (HIDDEN)")
}

// reasons says in words why an office was found. A reason that this program does not know is shown as it came.
func (c *cli) reasons(codes []string) string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = code
		if words, known := why[code]; known {
			texts[i] = c.label(words[0], words[1])
		}
	}
	return strings.Join(texts, "; ")
}
