package territory_test

import (
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
