package report

import (
	"fmt"
	"io"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/intake/internal/reason"
)

// CodedContent is the part of a report that is not personal: codes, flags and the version of the notice. It holds
// nothing about an identifiable person.
type CodedContent struct {
	Channel, ReporterRole string
	Anonymous             bool
	Grounds               []string
	Wish, IncidentPlace   string
	Language              string
	Urgent                bool
	NoticeVersion         string
	Consents              []Consent
}

// Consent is the answer to one consent question.
type Consent struct{ Code, Status string }

// PersonalContent is the part of a report that may identify a person. It is sealed before it is stored.
type PersonalContent struct {
	Narrative    string
	Contact      *Contact
	IncidentDate *PartialDate
	// ReceivedAt is the minute of the submission. It is zero in an anonymous report.
	ReceivedAt time.Time
}

// SetReceivedAt sets the minute of the submission, unless the report is anonymous.
func (p *PersonalContent) SetReceivedAt(c CodedContent, now time.Time) {
	if !c.Anonymous {
		p.ReceivedAt = now.UTC().Truncate(time.Minute)
	}
}

// Contact tells how to reach the reporter.
type Contact struct{ Name, Phone, Email, SafeContact string }

// PartialDate is a date whose month, or only the day, may be unknown; unknown parts are 0.
type PartialDate struct{ Year, Month, Day int32 }

// redacted stands for personal content in messages, logs and JSON.
const redacted = "[personal content]"

func (PersonalContent) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
func (Contact) Format(f fmt.State, _ rune)         { _, _ = io.WriteString(f, redacted) }
func (PartialDate) Format(f fmt.State, _ rune)     { _, _ = io.WriteString(f, redacted) }

func (PersonalContent) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Contact) MarshalText() ([]byte, error)         { return []byte(redacted), nil }
func (PartialDate) MarshalText() ([]byte, error)     { return []byte(redacted), nil }

// Validate returns the violations of the rules between fields. The rules of single fields are in the contract.
func Validate(c CodedContent, p PersonalContent) []fault.Field {
	var violations []fault.Field
	if c.Anonymous && p.Contact != nil && p.Contact.Name != "" {
		violations = append(violations, fault.Field{Path: "content.contact.name", Reason: reason.AnonymousWithName})
	}
	seen := map[string]bool{}
	for i, consent := range c.Consents {
		if seen[consent.Code] {
			path := fmt.Sprintf("content.consents[%d].code", i)
			violations = append(violations, fault.Field{Path: path, Reason: reason.DuplicateConsent})
		}
		seen[consent.Code] = true
	}
	return violations
}
