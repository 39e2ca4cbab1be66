package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/retepari/pari/pkg/seal"
	"github.com/retepari/pari/pkg/tenant"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	"github.com/retepari/pari/services/casemanagement/internal/casefile"
	"github.com/retepari/pari/services/casemanagement/internal/store"
)

// noteVersion is the version of the encoding of notes before they are sealed.
const noteVersion = 1

func associatedData(c *casefile.Case, field string) seal.AssociatedData {
	return seal.AssociatedData{Tenant: c.Tenant, Record: "case/" + c.ID, Field: field, Version: noteVersion}
}

// actionField names the note of an action.
func actionField(actionID string) string { return "action/" + actionID }

// closingField names the closing note of the case's episode.
func closingField(c *casefile.Case) string { return fmt.Sprintf("closing/%d", c.Episode) }

// dataKey reads the data key of a case: the one with its identifier.
func (s *Server) dataKey(ctx context.Context, t tenant.ID, caseID string) (seal.DataKey, error) {
	id, err := uuid.Parse(caseID)
	if err != nil {
		return seal.DataKey{}, fmt.Errorf("data key of a case: %w", err)
	}
	return s.Keys.Get(ctx, t, id)
}

// prepareSeal reads the data key of a case, and returns a function that encrypts the note with it. The key lies in
// another database, so it is read before the case is locked; an error is returned by the function, because a repeated
// request needs no key. An empty note is nil and reads no key.
func (s *Server) prepareSeal(
	ctx context.Context, t tenant.ID, caseID, note string,
) func(c *casefile.Case, field string) ([]byte, error) {
	if note == "" {
		return func(*casefile.Case, string) ([]byte, error) { return nil, nil }
	}
	key, err := s.dataKey(ctx, t, caseID)
	return func(c *casefile.Case, field string) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return key.Seal(associatedData(c, field), []byte(note))
	}
}

// openNotes decrypts the notes of a case into dst.
func (s *Server) openNotes(ctx context.Context, f store.CaseFile, dst *casemanagementv1.Case) error {
	key, err := s.dataKey(ctx, f.Case.Tenant, f.Case.ID)
	if err != nil {
		return err
	}
	for i, a := range f.Actions {
		note, err := key.Open(associatedData(f.Case, actionField(a.ID)), a.SealedNote)
		if err != nil {
			return err
		}
		dst.Actions[i].Note = string(note)
	}
	if f.Case.Closing != nil {
		note, err := key.Open(associatedData(f.Case, closingField(f.Case)), f.Case.Closing.SealedNote)
		if err != nil {
			return err
		}
		dst.Closing.Note = string(note)
	}
	return nil
}
