// Package report is what a report is and what may happen to it. It is pure: values in, values or a fault out; it knows no
// database, no transport, no clock and no code list.
//
//	RECEIVED ──take in charge──► HANDING_OVER ──case opened──► TAKEN_IN_CHARGE
//
// A report that is handing over will be handed over, whatever stops in between: the hand-over is stored with the state.
package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/services/intake/internal/reason"
)

// State is where a report stands.
type State string

// The states, in the order in which a report goes through them.
const (
	Received      State = "RECEIVED"
	HandingOver   State = "HANDING_OVER"
	TakenInCharge State = "TAKEN_IN_CHARGE"
)

// Actor is who did something: a person, for a node, through a system.
type Actor struct{ Person, Node, System string }

// Change is one line of a report's history.
type Change struct {
	Version  int64
	At       time.Time
	By       Actor
	What     string
	From, To State
}

// Codes is what the reporter told, as far as lists of codes can say it. It says nothing about an identifiable person.
type Codes struct {
	Channel, ReporterRole string
	Anonymous             bool
	Grounds               []string
	Wish, IncidentPlace   string
	Language              string
	Urgent                bool
	NoticeVersion         string
	Consents              []Consent
}

// Consent is one answer to one question.
type Consent struct{ Code, Status string }

// Told is what the reporter told in their own words, and how to reach them. It is sealed before it is stored.
type Told struct {
	Narrative    string
	Contact      *Contact
	IncidentDate *Date
}

// Contact is how to reach the reporter.
type Contact struct{ Name, Phone, Email, SafeContact string }

// Date is a date as far as it is known.
type Date struct{ Year, Month, Day int32 }

// LogValue keeps what was told out of every log.
func (Told) LogValue() string { return "sealed" }

// String keeps what was told out of every message.
func (Told) String() string { return "sealed" }

// Report is one report.
type Report struct {
	ID, Number, Node string
	ReceivedAt       time.Time
	State            State
	Version          int64
	Codes            Codes
	CaseID           string
	CaseNumber       string

	changes []Change
}

// Check returns everything about a report that its fields alone cannot tell.
func Check(c Codes, t Told) []fault.Field {
	var wrong []fault.Field
	if c.Anonymous && t.Contact != nil && t.Contact.Name != "" {
		wrong = append(wrong, fault.Field{Path: "content.contact.name", Reason: reason.AnonymousWithName})
	}
	if strings.ContainsRune(c.NoticeVersion, 0) { // the only text that is no code and is not sealed: Postgres keeps none with a NUL
		wrong = append(wrong, fault.Field{Path: "content.notice_version", Reason: fault.BadFormat})
	}
	seen := map[string]bool{}
	for i, consent := range c.Consents {
		if seen[consent.Code] {
			wrong = append(wrong, fault.Field{Path: fmt.Sprintf("content.consents[%d].code", i), Reason: reason.DuplicateConsent})
		}
		seen[consent.Code] = true
	}
	return wrong
}

// Receive makes a report out of what was told. Its time is cut to the minute, of an anonymous one to the day in Italy, so that the
// moment cannot lead back to a person.
func Receive(id, number, node string, c Codes, by Actor, now time.Time) *Report {
	r := &Report{ID: id, Number: number, Node: node, State: Received, Codes: c, ReceivedAt: now.UTC().Truncate(time.Minute)}
	if c.Anonymous {
		year, month, day := now.In(tz.Rome).Date()
		r.ReceivedAt = time.Date(year, month, day, 0, 0, 0, 0, tz.Rome).UTC()
	}
	r.record("SUBMITTED", "", by, r.ReceivedAt)
	return r
}

// HandOver decides to take the report in charge.
func (r *Report) HandOver(version int64, by Actor, now time.Time) error {
	if err := r.at(version); err != nil {
		return err
	}
	if r.State != Received {
		return fault.New(fault.ForbiddenMove).WithMeta("state", string(r.State))
	}
	r.State = HandingOver
	r.record("TAKING_IN_CHARGE", Received, by, now)
	return nil
}

// HandedOver records the case that was opened. A second time changes nothing and is no error: two may finish one hand-over.
func (r *Report) HandedOver(caseID, caseNumber string, by Actor, now time.Time) error {
	switch {
	case r.State == TakenInCharge && r.CaseID == caseID:
		return nil
	case r.State != HandingOver:
		return fault.New(fault.ForbiddenMove).WithMeta("state", string(r.State))
	}
	r.State, r.CaseID, r.CaseNumber = TakenInCharge, caseID, caseNumber
	r.record("TAKEN_IN_CHARGE", HandingOver, by, now)
	return nil
}

func (r *Report) at(version int64) error {
	if version != r.Version {
		return fault.New(fault.WrongVersion).WithMeta("current_version", strconv.FormatInt(r.Version, 10))
	}
	return nil
}

func (r *Report) record(what string, from State, by Actor, now time.Time) {
	r.Version++
	r.changes = append(r.changes, Change{Version: r.Version, At: now.UTC(), By: by, What: what, From: from, To: r.State})
}

// Changes are those since the report was loaded or received; the store writes them with it.
func (r *Report) Changes() []Change { return r.changes }

// Number writes a report number: sign of the node, year, and a number of at least six digits.
func Number(sign string, year int, n int64) string { return fmt.Sprintf("%s-%d-%06d", sign, year, n) }
