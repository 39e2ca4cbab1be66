// Package tz holds the time zone of the network: offices open, days end and months are counted in it.
//
// It links a zone database, so that the zone is known on every host. Go prefers the file that ZONEINFO names and the
// host's database to the linked one. Two hosts agree as long as their databases do, which for Italy they have since the
// rules of 1996. It starts no goroutine.
package tz

import (
	"time"
	_ "time/tzdata" // container images have no zone database; validation of dates loads the zone by name too
)

// Rome is the time zone of Italy.
var Rome = mustLoad("Europe/Rome")

func mustLoad(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the database is linked; only a broken one of the host can fail
	}
	return location
}
