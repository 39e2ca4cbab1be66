package territory_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// today is a day after all changes of the built-in data.
var today = day("2026-06-02")

func day(iso string) time.Time {
	d, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		panic(err)
	}
	return d
}

var italy = sync.OnceValues(func() (*territory.Index, error) {
	places, err := territory.ParseFS(data.Files)
	return territory.NewIndex(places), err
})

// index returns the shared index of the built-in data.
func index(t testing.TB) *territory.Index {
	t.Helper()
	x, err := italy()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// placesOn returns the places that exist on a day, in the order of ParseFS.
func placesOn(x *territory.Index, day time.Time) []territory.Place {
	return slices.DeleteFunc(x.All(), func(p territory.Place) bool { return !p.ExistsOn(day) })
}

// childrenOn returns the places directly below a place that exist on a day, in the order of ParseFS.
func childrenOn(x *territory.Index, code string, day time.Time) []territory.Place {
	return slices.DeleteFunc(placesOn(x, day), func(p territory.Place) bool { return p.Parent() != code })
}
