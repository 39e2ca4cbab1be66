package casefile

import "time"

// EventKind is what the centre is told.
type EventKind string

// The events of a case.
const (
	EventOpened     EventKind = "OPENED"
	EventClassified EventKind = "CLASSIFIED"
	EventActed      EventKind = "ACTED"
	EventClosed     EventKind = "CLOSED"
)

// Event is something that the centre is to learn of a case, as codes and months; package feed writes it. It refers to the
// case as it was when the event was recorded.
type Event struct {
	// Seq counts the events of the case from 1, without gaps.
	Seq  int64
	Kind EventKind
	At   time.Time
	// Sealed is set when the centre may learn no more than that it happened.
	Sealed bool
	// Assessment and Closing are the case's at the moment of the event, Action the one recorded.
	Assessment *Assessment
	Closing    *Closing
	Action     Action
}

// tell records an event under the next number.
func (c *Case) tell(e Event) {
	c.EventSeq++
	e.Seq, e.Sealed, e.Assessment, e.Closing = c.EventSeq, c.sealed(), c.Assessment, c.Closing
	c.events = append(c.events, e)
}

// Events are those since the case was opened or loaded.
func (c *Case) Events() []Event { return c.events }
