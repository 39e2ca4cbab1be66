package api

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/seal"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// contentVersion is the version of the encoding of personal content before it is sealed.
const contentVersion = 1

// The sealed fields of a report.
const (
	fieldNarrative = "narrative"
	fieldContact   = "contact"
	fieldDate      = "date"
	fieldTime      = "time"
)

func associatedData(r *report.Report, field string) seal.AssociatedData {
	return seal.AssociatedData{Tenant: r.Tenant, Record: "report/" + r.ID, Field: field, Version: contentVersion}
}

// sealContent encrypts personal content with a new data key.
func (s *Server) sealContent(
	ctx context.Context, r *report.Report, p report.PersonalContent,
) (sealed store.SealedContent, err error) {
	key, err := s.Keys.NewKey(ctx, r.Tenant)
	if err != nil {
		return store.SealedContent{}, err
	}
	sealed.KeyID = key.ID()
	if sealed.Narrative, err = key.Seal(associatedData(r, fieldNarrative), []byte(p.Narrative)); err != nil {
		return store.SealedContent{}, err
	}
	if p.Contact != nil {
		sealed.Contact, err = sealMessage(key, associatedData(r, fieldContact), contactToProto(p.Contact))
		if err != nil {
			return store.SealedContent{}, err
		}
	}
	if p.IncidentDate != nil {
		sealed.Date, err = sealMessage(key, associatedData(r, fieldDate), dateToProto(p.IncidentDate))
		if err != nil {
			return store.SealedContent{}, err
		}
	}
	if !p.ReceivedAt.IsZero() {
		sealed.Time, err = sealMessage(key, associatedData(r, fieldTime), timestamppb.New(p.ReceivedAt))
		if err != nil {
			return store.SealedContent{}, err
		}
	}
	return sealed, nil
}

func sealMessage(key seal.DataKey, ad seal.AssociatedData, m proto.Message) ([]byte, error) {
	plaintext, err := proto.Marshal(m)
	if err != nil {
		return nil, errors.New("content does not marshal") // the cause could quote it
	}
	return key.Seal(ad, plaintext)
}

// openContent decrypts the personal content of a report into out.
func (s *Server) openContent(
	ctx context.Context, r *report.Report, sealed store.SealedContent, out *intakev1.Report,
) error {
	dst := out.GetContent()
	key, err := s.Keys.Get(ctx, r.Tenant, sealed.KeyID)
	if err != nil {
		return err
	}
	narrative, err := key.Open(associatedData(r, fieldNarrative), sealed.Narrative)
	if err != nil {
		return err
	}
	dst.Narrative = string(narrative)
	if sealed.Contact != nil {
		dst.Contact = &intakev1.Contact{}
		if err := openMessage(key, associatedData(r, fieldContact), sealed.Contact, dst.GetContact()); err != nil {
			return err
		}
	}
	if sealed.Date != nil {
		dst.IncidentDate = &recordv1.PartialDate{}
		if err := openMessage(key, associatedData(r, fieldDate), sealed.Date, dst.GetIncidentDate()); err != nil {
			return err
		}
	}
	if sealed.Time != nil {
		out.ExactReceivedAt = &timestamppb.Timestamp{}
		return openMessage(key, associatedData(r, fieldTime), sealed.Time, out.GetExactReceivedAt())
	}
	return nil
}

func openMessage(key seal.DataKey, ad seal.AssociatedData, ciphertext []byte, dst proto.Message) error {
	plaintext, err := key.Open(ad, ciphertext)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(plaintext, dst); err != nil {
		return errors.New("content does not unmarshal") // the cause could quote it
	}
	return nil
}
