// Package report holds the report aggregate: its states and the rules for changing them. It is pure: it knows no
// database, transport, clock or code list. A method returns a fault and changes nothing, or changes the report and adds
// to its history.
//
//	RECEIVED ──take in charge──► HANDING_OVER ──case opened──► TAKEN_IN_CHARGE
//
// A report in HANDING_OVER reaches TAKEN_IN_CHARGE as soon as case management opens its case: the hand-over is stored
// in the transaction that changes the state, and is retried until it completes. It goes back to HANDING_OVER only when
// case management has lost the case in a restore.
package report

import (
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
)

// State is the state of a report.
type State string

// The states, in order.
const (
	Received      State = "RECEIVED"
	HandingOver   State = "HANDING_OVER"
	TakenInCharge State = "TAKEN_IN_CHARGE"
)

// States are all states.
var States = []State{Received, HandingOver, TakenInCharge}

// Actor is the author of a change: a person, for a tenant, through a system.
type Actor struct {
	Person string
	Tenant tenant.ID
	System string
}

// HistoryEntry is one change of a report.
type HistoryEntry struct {
	Version  int64
	At       time.Time
	By       Actor
	What     string
	From, To State
}

// Report is one report. Its fields are for reading; the methods change them.
type Report struct {
	ID, Number string
	Tenant     tenant.ID
	// ReceivedAt is the begin, in Italy, of the day on which the report was received.
	ReceivedAt   time.Time
	State        State
	Version      int64
	CodedContent CodedContent
	CaseID       string
	CaseNumber   string
	// EventSeq is the number of the last event about the count of the report.
	EventSeq int64
	// Withdrawn is true of what does not count, for instance a trial or a duplicate.
	Withdrawn bool

	unsavedHistory []HistoryEntry
}

// Receive returns a new report. Its time is truncated to the day in Italy, so that it leads back to nobody, and says
// nothing of the hour of its neighbours either. Of an anonymous report nothing says who wrote it down: the hours of
// that person at work would be its hour.
func Receive(id, number string, t tenant.ID, c CodedContent, by Actor, now time.Time) *Report {
	r := &Report{
		ID: id, Number: number, Tenant: t, State: Received, CodedContent: c, EventSeq: 1,
	}
	year, month, day := now.In(tz.Rome).Date()
	r.ReceivedAt = time.Date(year, month, day, 0, 0, 0, 0, tz.Rome).UTC()
	if c.Anonymous {
		by.Person = ""
	}
	r.appendHistory("SUBMITTED", "", by, r.ReceivedAt)
	return r
}

// StartHandover takes the report in charge: its hand-over to case management begins.
func (r *Report) StartHandover(version int64, by Actor, now time.Time) error {
	if err := r.checkVersion(version); err != nil {
		return err
	}
	if r.State != Received {
		return r.forbiddenTransition()
	}
	r.State = HandingOver
	r.appendHistory("TAKING_IN_CHARGE", Received, by, now)
	return nil
}

// CompleteHandover records the case that was opened for the report. Completing again with the same case changes
// nothing.
func (r *Report) CompleteHandover(caseID, caseNumber string, by Actor, now time.Time) error {
	switch {
	case r.State == TakenInCharge && r.CaseID == caseID:
		return nil
	case r.State != HandingOver:
		return r.forbiddenTransition()
	}
	r.State, r.CaseID, r.CaseNumber = TakenInCharge, caseID, caseNumber
	r.appendHistory("TAKEN_IN_CHARGE", HandingOver, by, now)
	return nil
}

// ReopenHandover lets the report be handed over again: its case is lost.
func (r *Report) ReopenHandover(by Actor, now time.Time) error {
	if r.State != TakenInCharge {
		return r.forbiddenTransition()
	}
	r.State, r.CaseID, r.CaseNumber = HandingOver, "", ""
	r.appendHistory("HANDOVER_REOPENED", TakenInCharge, by, now)
	return nil
}

// Correction replaces the codes under which a report counts.
type Correction struct{ Channel, ReporterRole string }

// CorrectCount replaces the codes under which the report counts.
func (r *Report) CorrectCount(version int64, c Correction, by Actor, now time.Time) error {
	if err := r.checkCountable(version); err != nil {
		return err
	}
	r.CodedContent.Channel, r.CodedContent.ReporterRole = c.Channel, c.ReporterRole
	r.appendHistory("COUNT_CORRECTED", r.State, by, now)
	return nil
}

// WithdrawCount ends the counting of the report. It cannot be undone.
func (r *Report) WithdrawCount(version int64, by Actor, now time.Time) error {
	if err := r.checkCountable(version); err != nil {
		return err
	}
	r.Withdrawn = true
	r.appendHistory("COUNT_WITHDRAWN", r.State, by, now)
	return nil
}

func (r *Report) checkCountable(version int64) error {
	if err := r.checkVersion(version); err != nil {
		return err
	}
	if r.Withdrawn {
		return fault.New(fault.ForbiddenMove).WithMeta("state", "WITHDRAWN")
	}
	return nil
}

// UnsavedHistory returns the history since the report was received or loaded; the store saves it with the report.
func (r *Report) UnsavedHistory() []HistoryEntry { return r.unsavedHistory }

func (r *Report) checkVersion(version int64) error {
	if version != r.Version {
		return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(r.Version, 10))
	}
	return nil
}

func (r *Report) forbiddenTransition() error {
	return fault.New(fault.ForbiddenMove).WithMeta("state", string(r.State))
}

func (r *Report) appendHistory(what string, from State, by Actor, now time.Time) {
	r.Version++
	r.unsavedHistory = append(r.unsavedHistory, HistoryEntry{
		Version: r.Version, At: now.UTC(), By: by, What: what, From: from, To: r.State,
	})
}
