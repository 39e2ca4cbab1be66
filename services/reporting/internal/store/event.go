package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/services/reporting/internal/fact"
)

// Event is a regional event whose signature holds.
type Event struct {
	bus.Event
	Hash bus.Hash
	// Aggregate is the report, case or entry: the event's subject, or a hash of it where the subject is no pseudonym.
	Aggregate string
}

var pseudonym = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,100}$`)

// NewEvent takes an event that Verify accepted.
func NewEvent(e bus.Event) Event {
	return Event{Event: e, Hash: e.Hash(), Aggregate: aggregateOf(e.Subject)}
}

func aggregateOf(subject string) string {
	if pseudonym.MatchString(subject) {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Directory is the service whose entries count.
const Directory = "directory"

// Change is what an event says, in the terms of the domain: one of the four.
type Change struct {
	Report     *fact.ReportCounted
	Case       fact.CaseEvent
	Activity   *fact.ActivityCounted
	Indicators *fact.IndicatorsCounted
}

// Read turns an event of a line into a change. It returns ErrUnreadable or ErrForeign.
type Read func(line bus.Partition, eventType, aggregate string, data []byte) (Change, error)

// Why an event cannot be turned into a change.
var (
	ErrUnreadable = errors.New("event cannot be read")
	ErrForeign    = errors.New("event does not belong where it came from")
)

// Class says why an event has no effect (yet). The set is closed: it labels metrics.
type Class string

// Classes of events that are parked, and so wait for a person or for what they lack.
const (
	Gap        Class = "gap"        // numbers before it have not come
	Behind     Class = "behind"     // an event of the same report or case was refused before it
	Unreadable Class = "unreadable" // not the message that its type says, or a type not known here
	Foreign    Class = "foreign"    // of another service or another case than it claims
	Code       Class = "code"       // a code or group that the vocabulary here does not have
	Invalid    Class = "invalid"    // a value that cannot be
	Order      Class = "order"      // not the next event of its report or case
	Effect     Class = "effect"     // the database refused what it does
	Bug        Class = "bug"        // our program failed on it
)

// Classes of events that are refused and not kept.
const (
	Fork     Class = "fork"     // another event under a number that was used before
	Chain    Class = "chain"    // does not follow the event before it
	Deferred Class = "deferred" // too many wait already; the node will send it again
)

func classOf(err error) Class {
	switch {
	case errors.Is(err, fact.ErrCode):
		return Code
	case errors.Is(err, fact.ErrInvalid):
		return Invalid
	case errors.Is(err, fact.ErrOrder):
		return Order
	case errors.Is(err, ErrForeign):
		return Foreign
	case errors.Is(err, ErrUnreadable):
		return Unreadable
	default:
		return Bug
	}
}

// guard runs f and turns a panic into an error, so that an event that our program fails on stops its own case only. The
// value of the panic may hold parts of the event and is dropped; a hash of the stack tells two bugs apart.
func guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			sum := sha256.Sum256(debug.Stack())
			err = fmt.Errorf("panic of type %T, stack %x", value, sum[:4])
		}
	}()
	return f()
}
