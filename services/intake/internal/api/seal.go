package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/seal"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	"github.com/retepari/pari/services/intake/internal/report"
)

// contentVersion is the version of the encoding of personal content before it is sealed: a Report with nothing else.
const contentVersion = 1

func associatedData(r *report.Report) seal.AssociatedData {
	return seal.AssociatedData{Tenant: r.Tenant, Record: "report/" + r.ID, Field: "content", Version: contentVersion}
}

// sealContent encrypts personal content with the data key of its report. It is one text, so that the ciphertext does
// not tell what was given.
func sealContent(key seal.DataKey, r *report.Report, p report.PersonalContent) ([]byte, error) {
	if r.CodedContent.Anonymous && !p.ReceivedAt.IsZero() {
		return nil, errors.New("the minute of an anonymous report must not be stored")
	}
	plaintext, err := proto.Marshal(personalToProto(p))
	if err != nil {
		return nil, errors.New("content does not marshal") // the cause could quote it
	}
	return key.Seal(associatedData(r), plaintext)
}

// personalToProto returns a report that has personal content only.
func personalToProto(p report.PersonalContent) *intakev1.Report {
	out := &intakev1.Report{Content: &intakev1.ReportContent{Narrative: p.Narrative}}
	if p.Contact != nil {
		out.Content.Contact = contactToProto(p.Contact)
	}
	if p.IncidentDate != nil {
		out.Content.IncidentDate = dateToProto(p.IncidentDate)
	}
	if !p.ReceivedAt.IsZero() {
		out.ExactReceivedAt = timestamppb.New(p.ReceivedAt)
	}
	return out
}

// openContent decrypts the personal content of a report and adds it to out.
func (s *Server) openContent(ctx context.Context, r *report.Report, sealed []byte, out *intakev1.Report) error {
	id, err := uuid.Parse(r.ID)
	if err != nil {
		return fmt.Errorf("data key of a report: %w", err)
	}
	key, err := s.Keys.Get(ctx, r.Tenant, id)
	if err != nil {
		return err
	}
	plaintext, err := key.Open(associatedData(r), sealed)
	if err != nil {
		return err
	}
	var personal intakev1.Report
	if err := proto.Unmarshal(plaintext, &personal); err != nil {
		return errors.New("content does not unmarshal") // the cause could quote it
	}
	content := personal.GetContent()
	out.ExactReceivedAt, out.Content.Narrative = personal.GetExactReceivedAt(), content.GetNarrative()
	out.Content.Contact, out.Content.IncidentDate = content.GetContact(), content.GetIncidentDate()
	return nil
}
