// Package api answers the RPCs of the directory from memory. What it shows is set as a whole by Show and never changes in
// place, so a call costs the same however much was ever loaded, and goes on while the database is away.
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

// defaultPageSize is how many offices a page holds when nobody says.
const defaultPageSize = 50

// MaxRequest is the largest request to the directory, in bytes: a proposal may hold a whole network, an import its document.
const MaxRequest = 4 << 20

// Server implements DirectoryService.
type Server struct {
	directoryv1.UnsafeDirectoryServiceServer

	// BaseURL begins the names of codes and offices in linked data, and ends in "/". Set it before the first call.
	BaseURL string
	// ConfirmedAt is when the centre last said that nothing is missing in the copy that is shown; nil at the centre. Set it before
	// the first call.
	ConfirmedAt func() time.Time

	now    func() time.Time
	pool   *pgxpool.Pool // for history and changes; everything else is in memory
	places *territory.Index
	views  atomic.Pointer[viewSet]
	// snapshot is what is shown, as it was snapshot: a decision checks against it, and reads only what is newer.
	snapshot atomic.Pointer[store.Snapshot]
}

// New returns a server that shows an empty directory and knows the places, which never change while it runs.
func New(now func() time.Time, pool *pgxpool.Pool, places *territory.Index) *Server {
	s := &Server{BaseURL: "https://pari.example/id/", now: now, pool: pool, places: places}
	_ = s.SetSnapshot(store.Snapshot{}) // nothing in it that could be wrong
	return s
}

// GetOffice returns one office.
func (s *Server) GetOffice(ctx context.Context, req *directoryv1.GetOfficeRequest) (*directoryv1.GetOfficeResponse, error) {
	v := s.viewFor(ctx)
	o, ok := v.index.Get(req.GetOfficeId())
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	return &directoryv1.GetOfficeResponse{
		Office:    v.offices[o.ID],
		OpenState: openStateToProto(v.index.StateAt(o.ID, s.now())),
		Freshness: s.freshness(v),
	}, nil
}

// ListOffices returns a page of the directory.
func (s *Server) ListOffices(ctx context.Context, req *directoryv1.ListOfficesRequest) (*directoryv1.ListOfficesResponse, error) {
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
	answer := &directoryv1.ListOfficesResponse{Freshness: s.freshness(v)}
	for _, o := range page {
		answer.Offices = append(answer.Offices, v.offices[o.ID])
	}
	if more {
		answer.NextPageToken = encodeOfficeToken(page[len(page)-1].Key(), req.GetNode())
	}
	return answer, nil
}

// FindOffices returns the offices that can help, best first.
func (s *Server) FindOffices(ctx context.Context, req *directoryv1.FindOfficesRequest) (*directoryv1.FindOfficesResponse, error) {
	v := s.viewFor(ctx)
	query := office.Query{
		Territory: req.GetTerritory(), Ground: req.GetGround(), AccessMode: req.GetAccessMode(), Service: req.GetService(),
		Languages: req.GetLanguages(), Accessibility: req.GetAccessibility(), Now: s.now(), Limit: int(req.GetLimit()),
	}
	if req.GetOpenAt() != nil {
		query.OpenAt = req.GetOpenAt().AsTime()
	}
	answer := &directoryv1.FindOfficesResponse{Freshness: s.freshness(v)}
	for _, m := range v.index.Find(query) {
		answer.Matches = append(answer.Matches, &directoryv1.OfficeMatch{
			Office: v.offices[m.Office.ID], OpenState: openStateToProto(m.State), Reasons: m.Reasons,
		})
	}
	return answer, nil
}

// ListVocabularies returns code lists, or only their digest to who has them already.
func (s *Server) ListVocabularies(_ context.Context, req *directoryv1.ListVocabulariesRequest) (*directoryv1.ListVocabulariesResponse, error) {
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
