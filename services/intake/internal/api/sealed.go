package api

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/seal"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// sealVersion is the version of how what was told is written before it is sealed.
const sealVersion = 1

func place(r *report.Report, field string) seal.AssociatedData {
	return seal.AssociatedData{Node: r.Node, Record: "report/" + r.ID, Field: field, Version: sealVersion}
}

// seal encrypts what was told with a key of the report's own.
func (s *Server) seal(ctx context.Context, r *report.Report, t report.Told) (store.Sealed, error) {
	key, err := s.Keys.NewKey(ctx, r.Node)
	if err != nil {
		return store.Sealed{}, err
	}
	sealed := store.Sealed{KeyID: key.ID()}
	if sealed.Narrative, err = key.Seal(place(r, "narrative"), []byte(t.Narrative)); err != nil {
		return store.Sealed{}, err
	}
	if t.Contact != nil {
		if sealed.Contact, err = sealMessage(key, place(r, "contact"), contactToProto(t.Contact)); err != nil {
			return store.Sealed{}, err
		}
	}
	if t.IncidentDate != nil {
		if sealed.Date, err = sealMessage(key, place(r, "date"), dateToProto(t.IncidentDate)); err != nil {
			return store.Sealed{}, err
		}
	}
	return sealed, nil
}

func sealMessage(key seal.DataKey, p seal.AssociatedData, m proto.Message) ([]byte, error) {
	plain, err := proto.Marshal(m)
	if err != nil {
		return nil, errors.New("content cannot be written")
	}
	return key.Seal(p, plain)
}

// open decrypts what was told into the answer.
func (s *Server) open(ctx context.Context, r *report.Report, sealed store.Sealed, into *intakev1.ReportContent) error {
	key, err := s.Keys.Get(ctx, r.Node, sealed.KeyID)
	if err != nil {
		return err
	}
	narrative, err := key.Open(place(r, "narrative"), sealed.Narrative)
	if err != nil {
		return err
	}
	into.Narrative = string(narrative)
	if sealed.Contact != nil {
		into.Contact = &intakev1.Contact{}
		if err := openMessage(key, place(r, "contact"), sealed.Contact, into.GetContact()); err != nil {
			return err
		}
	}
	if sealed.Date != nil {
		into.IncidentDate = &recordv1.PartialDate{}
		return openMessage(key, place(r, "date"), sealed.Date, into.GetIncidentDate())
	}
	return nil
}

func openMessage(key seal.DataKey, p seal.AssociatedData, sealed []byte, into proto.Message) error {
	plain, err := key.Open(p, sealed)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(plain, into); err != nil {
		return errors.New("content cannot be read")
	}
	return nil
}
