package format

import (
	_ "embed"
	"encoding/csv"
	"strings"
	"sync"
)

// crosswalkFile maps each ground of ours to a bias motive of ODIHR's statistics of hate crimes. It also lists the
// grounds without one, so that it is complete.
//
//go:embed crosswalk-odihr.csv
var crosswalkFile string

// mapping is one line of the crosswalk. Match is a property of SKOS, as seen from the ground: broadMatch means that the
// category is broader than the ground. It is empty where no category corresponds.
type mapping struct{ ground, match, odihr, source string }

var crosswalk = sync.OnceValues(func() ([]mapping, error) {
	rows, err := csv.NewReader(strings.NewReader(crosswalkFile)).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []mapping
	for _, row := range rows[1:] {
		all = append(all, mapping{ground: row[0], match: row[1], odihr: row[2], source: row[3]})
	}
	return all, nil
})

// EncodeCrosswalkCSV encodes the crosswalk from grounds to the categories of ODIHR, with labels, one row per ground.
func EncodeCrosswalkCSV(terms *Terms) ([]byte, error) {
	mappings, err := crosswalk()
	if err != nil {
		return nil, err
	}
	t := newTable()
	t.row("ground", "ground_it", "ground_en", "match", "odihr", "odihr_it", "odihr_en", "source")
	for _, m := range mappings {
		t.row(m.ground, terms.Label("it", listGround, m.ground), terms.Label("en", listGround, m.ground), m.match,
			m.odihr, terms.Label("it", listODIHR, m.odihr), terms.Label("en", listODIHR, m.odihr), m.source)
	}
	return t.bytes()
}
