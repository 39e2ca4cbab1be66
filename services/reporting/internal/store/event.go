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

// Event is a regional event whose signature was verified.
type Event struct {
	bus.Event
	Hash bus.Hash
	// Aggregate identifies the report, case or entry. It is the event's subject, a pseudonym or the public name of an
	// entry, or a hash of any other subject.
	Aggregate string
}

var validAggregate = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,100}$`)

// NewEvent wraps an event that Verify accepted.
func NewEvent(e bus.Event) Event {
	return Event{Event: e, Hash: e.Hash(), Aggregate: aggregateOf(e.Subject)}
}

func aggregateOf(subject string) string {
	if validAggregate.MatchString(subject) {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// SourceDirectory is the source of the partitions that carry the activity of the directory's entries.
const SourceDirectory = "directory"

// Change is a decoded event. Exactly one field is set.
type Change struct {
	Report          *fact.ReportCounted
	ReportWithdrawn bool
	Case            fact.CaseEvent
	Activity        *fact.ActivityCounted
	Indicators      *fact.IndicatorsCounted
}

// Decoder decodes an event of a partition. It returns ErrUnreadable or ErrMismatch.
type Decoder func(p bus.Partition, eventType, aggregate string, data []byte) (Change, error)

// Errors of a Decoder.
var (
	ErrUnreadable = errors.New("event cannot be decoded")
	ErrMismatch   = errors.New("event does not belong to its partition or aggregate")
)

// Class is the reason why an event was not applied. The set is closed, because it labels metrics.
type Class string

// Classes of events that are stored without effect. All but ClassGap and ClassBlocked are dead-lettered.
const (
	ClassGap        Class = "gap"        // buffered: earlier numbers have not arrived
	ClassBlocked    Class = "blocked"    // an earlier event of the same report or case is dead-lettered
	ClassUnreadable Class = "unreadable" // unknown type, or data that does not decode as its type
	ClassMismatch   Class = "mismatch"   // of another service or another aggregate than it claims
	ClassCode       Class = "code"       // a code or group that the code lists here do not have
	ClassInvalid    Class = "invalid"    // an impossible value
	ClassOrder      Class = "order"      // not the next event of its report or case
	ClassDatabase   Class = "database"   // the database rejected its effect
	ClassInternal   Class = "internal"   // a panic or an unexpected error of this program
)

// ErrFork is the failure of an event whose number another event used before. The node was restored from a backup: the
// watermark tells it the hash of the event that the centre has.
var ErrFork = errors.New("another event has the number")

// Classes of events that are rejected and not stored.
const (
	ClassFork     Class = "fork"     // another event used the number before
	ClassChain    Class = "chain"    // its previous hash is not that of the event before it
	ClassOverflow Class = "overflow" // the buffer is full; the node will send it again
)

// Failure is an event that could not be applied, and why. The error holds no personal data.
type Failure struct {
	Partition bus.Partition
	NodeSeq   int64
	Class     Class
	Err       error
}

func newFailure(e Event, err error) Failure {
	return Failure{e.Partition, e.NodeSeq, classOf(err), err}
}

func classOf(err error) Class {
	switch {
	case errors.Is(err, fact.ErrCode):
		return ClassCode
	case errors.Is(err, fact.ErrInvalid):
		return ClassInvalid
	case errors.Is(err, fact.ErrOrder):
		return ClassOrder
	case errors.Is(err, ErrMismatch):
		return ClassMismatch
	case errors.Is(err, ErrUnreadable):
		return ClassUnreadable
	default:
		return ClassInternal
	}
}

// catchPanic runs f and turns a panic into an error, so that a bug dead-letters one event and does not stop the feed.
// The panic's value may hold parts of the event, so only its type is reported. A hash of the stack tells two bugs
// apart.
func catchPanic(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			sum := sha256.Sum256(debug.Stack())
			err = fmt.Errorf("panic of type %T, stack %x", value, sum[:4])
		}
	}()
	return f()
}
