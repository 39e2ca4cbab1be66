// Package rome is the time that the network lives in: offices open, days end and months are counted in it.
package rome

import (
	"time"
	_ "time/tzdata" // images hold no time zones
)

// Zone is the time zone of Italy.
var Zone = zone()

func zone() *time.Location {
	l, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // the zones are compiled in
	}
	return l
}
