package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/retepari/pari/pkg/seal"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// sealVersion is the version of how notes are written before they are sealed.
const sealVersion = 1

func place(c *casefile.Case, field string) seal.AssociatedData {
	return seal.AssociatedData{Node: c.Node, Record: "case/" + c.ID, Field: field, Version: sealVersion}
}

// closingField names the closing note of the round of work that it ends.
func closingField(c *casefile.Case) string { return fmt.Sprintf("closing/%d", c.Episode) }

// sealNote encrypts a note with the key of its case. No note needs no key.
func (s *Server) sealNote(ctx context.Context, c *casefile.Case, keyID uuid.UUID, field, note string) ([]byte, error) {
	if note == "" {
		return nil, nil
	}
	key, err := s.Keys.Get(ctx, c.Node, keyID)
	if err != nil {
		return nil, err
	}
	return key.Seal(place(c, field), []byte(note))
}

// open decrypts the notes of a case into the answer.
func (s *Server) open(ctx context.Context, f store.File, into *casemanagementv1.Case) error {
	key, err := s.Keys.Get(ctx, f.Case.Node, f.KeyID)
	if err != nil {
		return err
	}
	for i, a := range f.Actions {
		note, err := key.Open(place(f.Case, "action/"+a.ID), a.SealedNote)
		if err != nil {
			return err
		}
		into.Actions[i].Note = string(note)
	}
	if f.Case.Closing != nil {
		note, err := key.Open(place(f.Case, closingField(f.Case)), f.Case.Closing.SealedNote)
		if err != nil {
			return err
		}
		into.Closing.Note = string(note)
	}
	return nil
}
