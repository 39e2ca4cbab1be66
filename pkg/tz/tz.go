// Package tz holds the time zone of the network: offices open, days end and months are counted in it.
package tz

import (
	"time"
	_ "time/tzdata" // container images have no zone database
)

// Rome is the time zone of Italy.
var Rome = mustLoad("Europe/Rome")

func mustLoad(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the database is linked in
	}
	return location
}
