package cli

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// change is a change of a record that a person has not seen.
type change struct {
	Version int64  `json:"version"`
	At      string `json:"at"`
	What    string `json:"what"`
	State   string `json:"state"`
	By      string `json:"by"`
}

// changedError is the refusal of a write because the record has changed, with the changes since the version that the
// write is based on.
type changedError struct {
	error

	changes []change
}

// Unwrap returns the refusal.
func (e *changedError) Unwrap() error { return e.error }

// withChanges adds the changes after the version to an error that says that the record has changed. readHistory reads
// the history of the record.
func withChanges(err error, version int64, readHistory func() ([]*recordv1.HistoryEntry, error)) error {
	if status.Code(err) != codes.Aborted {
		return err
	}
	history, readErr := readHistory()
	if readErr != nil {
		return err
	}
	changed := &changedError{error: err}
	for _, h := range history {
		if h.GetVersion() > version {
			changed.changes = append(changed.changes, change{
				h.GetVersion(), formatTime(h.GetAt()), h.GetWhat(), h.GetToState(), h.GetBy().GetPerson(),
			})
		}
	}
	return changed
}

func (ch change) String() string {
	return fmt.Sprintf("v%d  %s  %s  %s  %s", ch.Version, ch.At, ch.What, ch.State, ch.By)
}
