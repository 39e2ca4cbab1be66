package api

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// Sizes of a response whose request does not set one.
const (
	defaultCandidates  = 10
	defaultTerritories = 100
)

// ResolveTerritory returns the places that a name may mean.
func (s *Server) ResolveTerritory(
	_ context.Context, req *directoryv1.ResolveTerritoryRequest,
) (*directoryv1.ResolveTerritoryResponse, error) {
	limit := int(req.GetLimit())
	if limit == 0 {
		limit = defaultCandidates
	}
	candidates := s.places.Resolve(req.GetName(), s.dayOrToday(req.GetDate()), limit)
	return &directoryv1.ResolveTerritoryResponse{Candidates: mapSlice(candidates, s.candidateToProto)}, nil
}

// GetTerritory returns one place, the places in which it lies, and what it is today.
func (s *Server) GetTerritory(
	_ context.Context, req *directoryv1.GetTerritoryRequest,
) (*directoryv1.GetTerritoryResponse, error) {
	place, ok := s.places.ByCode(req.GetCode())
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	resp := &directoryv1.GetTerritoryResponse{
		Territory: s.placeToProto(place), Parents: mapSlice(s.places.Parents(place.Code), s.placeToProto),
	}
	if current, ok := s.places.Current(place.Code, s.dayOrToday("")); ok {
		resp.Today = s.placeToProto(current)
	}
	return resp, nil
}

// ListTerritories returns a page of the places that exist on a day.
func (s *Server) ListTerritories(
	_ context.Context, req *directoryv1.ListTerritoriesRequest,
) (*directoryv1.ListTerritoriesResponse, error) {
	if _, ok := s.places.ByCode(req.GetParent()); !ok && req.GetParent() != "" {
		return nil, fault.New(fault.NotFound)
	}
	after, err := s.decodePlaceToken(req)
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultTerritories
	}
	day := s.dayOrToday(req.GetDate()).Format(time.DateOnly)
	filter := territory.Filter{Within: req.GetParent(), Kind: kindFromProto(req.GetKind()), Day: day}
	page, more := s.places.Page(filter, after, size)
	resp := &directoryv1.ListTerritoriesResponse{Territories: mapSlice(page, s.placeToProto)}
	if more {
		resp.NextPageToken = encodePlaceToken(req, page[len(page)-1].Code)
	}
	return resp, nil
}

// dayOrToday returns the date of a request, which Check has validated, or today in Italy if it has none.
func (s *Server) dayOrToday(text string) time.Time {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day
	}
	return s.now().In(tz.Rome)
}

// encodePlaceToken returns the page token that continues after a place, for the filter of a request.
func encodePlaceToken(req *directoryv1.ListTerritoriesRequest, code string) string {
	return encodeToken(tokenSeparator, req.GetParent(), req.GetKind().String(), req.GetDate(), code)
}

// decodePlaceToken returns the place to continue after; an empty token starts at the first place. It refuses every
// token that encodePlaceToken does not produce for the same filter.
func (s *Server) decodePlaceToken(req *directoryv1.ListTerritoriesRequest) (code string, err error) {
	if req.GetPageToken() == "" {
		return "", nil
	}
	raw, _ := base64.RawURLEncoding.DecodeString(req.GetPageToken()) // the comparison below refuses invalid base64
	code = string(raw[strings.LastIndex(string(raw), tokenSeparator)+1:])
	if _, ok := s.places.ByCode(code); !ok || req.GetPageToken() != encodePlaceToken(req, code) {
		return "", errBadPageToken()
	}
	return code, nil
}

func (s *Server) candidateToProto(c territory.Candidate) *directoryv1.TerritoryCandidate {
	return &directoryv1.TerritoryCandidate{
		Territory: s.placeToProto(c.Place), Score: c.Score, Reason: matchToProto(c.Reason), Matched: c.Matched,
	}
}

func (s *Server) placeToProto(p territory.Place) *directoryv1.Territory {
	t := &directoryv1.Territory{
		Code: p.Code, Kind: kindToProto(p.Kind), Name: p.Name, FormerNames: p.Former,
		Province: p.Province, Region: p.Region, Sign: p.Abbreviation,
		Nuts: p.NUTS, CadastralCode: p.CadastralCode, IpaCode: p.IPACode,
		ValidFrom: p.ValidFrom, ValidTo: p.ValidTo, Successor: p.Successor,
	}
	if province, ok := s.places.ByCode(p.Province); ok {
		t.ProvinceName = province.Name
	}
	if region, ok := s.places.ByCode(p.Region); ok {
		t.RegionName = region.Name
	}
	for _, language := range slices.Sorted(maps.Keys(p.Names)) {
		for _, name := range p.Names[language] {
			t.Names = append(t.Names, &directoryv1.TerritoryName{Language: language, Name: name})
		}
	}
	return t
}

func kindToProto(kind territory.Kind) directoryv1.TerritoryKind {
	switch kind {
	case territory.Region:
		return directoryv1.TerritoryKind_TERRITORY_KIND_REGION
	case territory.Province:
		return directoryv1.TerritoryKind_TERRITORY_KIND_PROVINCE
	case territory.Municipality:
		return directoryv1.TerritoryKind_TERRITORY_KIND_MUNICIPALITY
	}
	return directoryv1.TerritoryKind_TERRITORY_KIND_UNSPECIFIED
}

func kindFromProto(kind directoryv1.TerritoryKind) territory.Kind {
	switch kind {
	case directoryv1.TerritoryKind_TERRITORY_KIND_REGION:
		return territory.Region
	case directoryv1.TerritoryKind_TERRITORY_KIND_PROVINCE:
		return territory.Province
	case directoryv1.TerritoryKind_TERRITORY_KIND_MUNICIPALITY:
		return territory.Municipality
	case directoryv1.TerritoryKind_TERRITORY_KIND_UNSPECIFIED:
	}
	return ""
}

func matchToProto(reason territory.Reason) directoryv1.TerritoryReason {
	switch reason {
	case territory.Exact:
		return directoryv1.TerritoryReason_TERRITORY_REASON_EXACT
	case territory.Normalised:
		return directoryv1.TerritoryReason_TERRITORY_REASON_NORMALISED
	case territory.OtherLanguage:
		return directoryv1.TerritoryReason_TERRITORY_REASON_OTHER_LANGUAGE
	case territory.OtherName:
		return directoryv1.TerritoryReason_TERRITORY_REASON_OTHER_NAME
	case territory.BecamePart:
		return directoryv1.TerritoryReason_TERRITORY_REASON_BECAME_PART
	case territory.Prefix:
		return directoryv1.TerritoryReason_TERRITORY_REASON_PREFIX
	case territory.Typo:
		return directoryv1.TerritoryReason_TERRITORY_REASON_TYPO
	}
	return directoryv1.TerritoryReason_TERRITORY_REASON_UNSPECIFIED
}
