// Package activity computes what each entry of the directory contributes to the public figures of the network: active
// points, sessions, training, and the values of a programme's indicators.
//
// The same entries on the same day give the same figures, in whatever order they come. The package estimates nothing:
// values that the source did not give are not counted. Days are dates in Rome, as in the contract. It has no clock and
// no storage.
package activity

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	eventsv1 "github.com/retepari/pari/proto/gen/pari/events/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
)

// Codes of the list "activity_measure".
const (
	ActivePoints     = "ACTIVE_POINTS"
	SessionsHeld     = "SESSIONS_HELD"
	EditionsHeld     = "EDITIONS_HELD"
	TrainingHours    = "TRAINING_HOURS"
	PersonsTrained   = "PERSONS_TRAINED"
	OperatorsTrained = "OPERATORS_TRAINED"
)

// Contribution is what one entry contributes to the figures of its region.
type Contribution struct {
	Region string
	Ref    entry.Ref
	// Event is an ActivityCounted, or an IndicatorsCounted for a programme.
	Event proto.Message
}

// EventType returns the type of the event.
func (c Contribution) EventType() string {
	if c.Ref.Kind() == "programme" {
		return "it.pari.programme.counted.v1"
	}
	return "it.pari.activity.counted.v1"
}

// Aggregate returns the aggregate of the event: "course.reati-spia".
func (c Contribution) Aggregate() string { return strings.Replace(string(c.Ref), "/", ".", 1) }

// EmptyContribution returns the contribution of an entry that no longer contributes, given its aggregate. It withdraws
// the previous one.
func EmptyContribution(region, aggregate string) Contribution {
	ref := entry.Ref(strings.Replace(aggregate, ".", "/", 1))
	if ref.Kind() == "programme" {
		return Contribution{region, ref, &eventsv1.IndicatorsCounted{Programme: ref.ID()}}
	}
	return Contribution{region, ref, &eventsv1.ActivityCounted{Entry: string(ref)}}
}

// ListContributions returns the contributions of entries on a day, sorted by region and reference, without empty ones.
// since holds the day on which the directory first had each entry.
func ListContributions(entries []*directoryv1.Entry, today string, since map[entry.Ref]string) []Contribution {
	var all []Contribution
	for _, e := range entries {
		if entry.IsHidden(e) { // figures are public, and in a small node a count of one would reveal it
			continue
		}
		ref := entry.RefOf(e)
		if p := e.GetProgramme(); p != nil {
			if rows := indicatorRows(p); len(rows) > 0 {
				event := &eventsv1.IndicatorsCounted{Programme: ref.ID(), Rows: rows}
				all = append(all, Contribution{p.GetRegion(), ref, event})
			}
			continue
		}
		f := figures{}
		region := ""
		switch {
		case e.GetOffice() != nil:
			region = e.GetOffice().GetRegion()
			f.addOffice(e.GetOffice(), cmp.Or(e.GetOffice().GetValidFrom(), since[ref]), today)
		case e.GetInitiative() != nil:
			region = e.GetInitiative().GetRegion()
			f.addInitiative(e.GetInitiative(), today)
		case e.GetCourse() != nil:
			region = e.GetCourse().GetRegion()
			f.addCourse(e.GetCourse(), today)
		}
		if rows := f.rows(); len(rows) > 0 {
			all = append(all, Contribution{region, ref, &eventsv1.ActivityCounted{Entry: string(ref), Rows: rows}})
		}
	}
	slices.SortFunc(all, func(a, b Contribution) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Ref, b.Ref))
	})
	return all
}

// figureKey identifies a figure.
type figureKey struct {
	measure string
	year    int
	node    string
}

// figures are the values of one entry.
type figures map[figureKey]int64

// rows returns the figures that are not zero, sorted by measure, year and node.
func (f figures) rows() []*eventsv1.ActivityRow {
	keys := slices.SortedFunc(maps.Keys(f), func(a, b figureKey) int {
		return cmp.Or(cmp.Compare(a.measure, b.measure), cmp.Compare(a.year, b.year), cmp.Compare(a.node, b.node))
	})
	var rows []*eventsv1.ActivityRow
	for _, k := range keys {
		if f[k] != 0 && isCountedYear(k.year) {
			rows = append(rows,
				&eventsv1.ActivityRow{Measure: k.measure, Year: int32(k.year), Node: k.node, Value: f[k]})
		}
	}
	return rows
}

// Figures exist for these years. A year outside is a typing error and must not block the other figures of its entry.
const firstYear, lastYear = 1900, 2200

// isCountedYear reports whether figures exist for a year.
func isCountedYear(year int) bool { return firstYear <= year && year <= lastYear }

// yearOf returns the year of a day; the contract guarantees its form.
func yearOf(day string) int {
	year, _ := strconv.Atoi(day[:min(4, len(day))])
	return year
}
