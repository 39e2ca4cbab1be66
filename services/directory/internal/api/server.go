// Package api implements the RPCs of the directory from an in-memory snapshot. SetSnapshot replaces it as a whole and
// it is never changed in place. Most RPCs need no database: only history, proposals and the status do. The package
// starts no goroutines.
package api

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/fault"
	codes "github.com/retepari/pari/pkg/vocabulary"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// defaultPageSize is the size of a page whose request does not set it.
const defaultPageSize = 50

// Server implements DirectoryService.
type Server struct {
	directoryv1.UnsafeDirectoryServiceServer

	// BaseURL is the prefix of IRIs in linked data, and ends in "/". Set it before the first call.
	BaseURL string
	// ConfirmedAt returns when the centre last confirmed that a node's copy is complete. It is nil at the centre. Set
	// it before the first call.
	ConfirmedAt func() time.Time

	now    func() time.Time
	pool   *pgxpool.Pool // for history and proposals; everything else is in memory
	places *territory.Index
	views  atomic.Pointer[viewSet]
	// snapshot is the source of the views. A decision validates against it, and reads only newer states from the store.
	snapshot atomic.Pointer[store.Snapshot]
}

// New returns a server with an empty directory and the places, which never change while it runs.
func New(now func() time.Time, pool *pgxpool.Pool, places *territory.Index) *Server {
	s := &Server{BaseURL: "https://pari.example/id/", now: now, pool: pool, places: places}
	_ = s.SetSnapshot(store.Snapshot{}) // an empty snapshot has no invalid office
	return s
}

// GetOffice returns one office.
func (s *Server) GetOffice(
	ctx context.Context, req *directoryv1.GetOfficeRequest,
) (*directoryv1.GetOfficeResponse, error) {
	v := s.viewFor(ctx)
	o, ok := v.index.Get(req.GetOfficeId())
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	at := s.now()
	if req.GetAt() != nil {
		at = req.GetAt().AsTime()
	}
	return &directoryv1.GetOfficeResponse{
		Office:    v.offices[o.ID],
		OpenState: openStateToProto(v.index.StateAt(o.ID, at)),
		Freshness: s.freshness(v),
	}, nil
}

// ListOffices returns a page of the directory.
func (s *Server) ListOffices(
	ctx context.Context, req *directoryv1.ListOfficesRequest,
) (*directoryv1.ListOfficesResponse, error) {
	v := s.viewFor(ctx)
	after, err := decodeOfficeToken(req.GetPageToken(), req.GetNode())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	page, more := v.index.Page(after, req.GetNode(), size)
	resp := &directoryv1.ListOfficesResponse{Freshness: s.freshness(v)}
	for _, o := range page {
		resp.Offices = append(resp.Offices, v.offices[o.ID])
	}
	if more {
		resp.NextPageToken = encodeOfficeToken(page[len(page)-1].Key(), req.GetNode())
	}
	return resp, nil
}

// FindOffices returns the offices that can help, best first.
func (s *Server) FindOffices(
	ctx context.Context, req *directoryv1.FindOfficesRequest,
) (*directoryv1.FindOfficesResponse, error) {
	v := s.viewFor(ctx)
	query := office.Query{
		Territory: req.GetTerritory(), Ground: req.GetGround(),
		AccessMode: req.GetAccessMode(), Service: req.GetService(),
		Languages: req.GetLanguages(), Accessibility: req.GetAccessibility(),
		Now: s.now(), Limit: int(req.GetLimit()),
	}
	if req.GetOpenAt() != nil {
		query.OpenAt = req.GetOpenAt().AsTime()
	}
	resp := &directoryv1.FindOfficesResponse{Freshness: s.freshness(v)}
	for _, m := range v.index.Find(query) {
		resp.Matches = append(resp.Matches, &directoryv1.OfficeMatch{
			Office: v.offices[m.Office.ID], OpenState: openStateToProto(m.State), Reasons: m.Reasons,
		})
	}
	return resp, nil
}

// ListVocabularies returns code lists, or only their digest if the caller already has them.
func (s *Server) ListVocabularies(
	_ context.Context, req *directoryv1.ListVocabulariesRequest,
) (*directoryv1.ListVocabulariesResponse, error) {
	set := s.Vocabulary()
	lists, digest := set.Lists(req.GetNames()...), set.Digest()
	if len(req.GetNames()) > 0 {
		if unknown := unknownNames(lists, req.GetNames()); len(unknown) > 0 {
			return nil, fault.Invalid(unknown...)
		}
		digest = codes.Digest(lists)
	}
	if req.GetKnownDigest() == digest {
		lists = nil
	}
	return &directoryv1.ListVocabulariesResponse{Vocabularies: lists, Digest: digest}, nil
}

func unknownNames(lists []*vocabularyv1.Vocabulary, names []string) (unknown []fault.Field) {
	known := make(map[string]bool, len(lists))
	for _, l := range lists {
		known[l.GetName()] = true
	}
	for i, name := range names {
		if !known[name] {
			unknown = append(unknown, fault.Field{Path: "names[" + strconv.Itoa(i) + "]", Reason: fault.UnknownValue})
		}
	}
	return unknown
}
