package casefile

import "time"

// EventKind is the kind of an event.
type EventKind string

// The kinds of events.
const (
	EventOpened         EventKind = "OPENED"
	EventAssessed       EventKind = "ASSESSED"
	EventActionRecorded EventKind = "ACTION_RECORDED"
	EventClosed         EventKind = "CLOSED"
)

// Event is a change of a case that is published to the centre. It has the case's data at that moment; package feed
// encodes the part that the centre may learn.
type Event struct {
	// Seq numbers the events of the case: 1, 2, 3 …, without gaps.
	Seq  int64
	Kind EventKind
	At   time.Time
	// Restricted means that the centre may learn only that the event happened, and its month.
	Restricted bool
	// Assessment and Closing are those of the case at the time of the event, Action is the one recorded.
	Assessment *Assessment
	Closing    *Closing
	Action     Action
}

// emit completes an event with its number and the state of the case, and adds it to the unsaved events.
func (c *Case) emit(e Event) {
	c.EventSeq++
	e.Seq, e.Restricted, e.Assessment, e.Closing = c.EventSeq, c.isRestricted(), c.Assessment, c.Closing
	c.unsavedEvents = append(c.unsavedEvents, e)
}
