package api

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
)

const (
	typeJSON   = "application/json"
	typeLD     = "application/ld+json"
	typeTurtle = "text/turtle; charset=utf-8"
	typeCSV    = "text/csv; charset=utf-8"
	typeHTML   = "text/html; charset=utf-8"
	typePDF    = "application/pdf"
)

// ExportDirectory returns offices, initiatives, courses, all entries or code lists in an open format.
//
// An export is meant to be passed on, so it holds no hidden entry, whoever the caller is.
func (s *Server) ExportDirectory(
	_ context.Context, req *directoryv1.ExportDirectoryRequest,
) (*directoryv1.ExportDirectoryResponse, error) {
	v := s.publicView()
	terms, err := s.terms(v)
	if err != nil {
		return nil, err
	}
	node := req.GetNode()
	offices := v.listOffices(node)
	resp := &directoryv1.ExportDirectoryResponse{Revision: v.revision}
	switch req.GetFormat() {
	case directoryv1.ExportFormat_EXPORT_FORMAT_HSDS:
		resp.MediaType = typeJSON
		resp.Content, err = format.EncodeHSDS(offices, terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_SCHEMA_ORG:
		resp.MediaType = typeLD
		resp.Content, err = format.EncodeSchemaOrg(offices, terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_CPSV_AP_IT:
		resp.MediaType = typeLD
		resp.Content, err = format.EncodeCPSV(offices, terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_CSV:
		resp.MediaType = typeCSV
		resp.Content, err = format.EncodeCSV(offices)
	case directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_TURTLE:
		resp.MediaType = typeTurtle
		resp.Content, err = format.EncodeSKOSTurtle(terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_SKOS_JSON_LD:
		resp.MediaType = typeLD
		resp.Content, err = format.EncodeSKOSJSONLD(terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_CROSSWALK_CSV:
		resp.MediaType = typeCSV
		resp.Content, err = format.EncodeCrosswalkCSV(terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_VOCABULARY_CSV:
		resp.MediaType = typeCSV
		resp.Content, err = v.listCSV(req.GetVocabulary())
	case directoryv1.ExportFormat_EXPORT_FORMAT_EVENTS:
		resp.MediaType = typeLD
		initiatives := listContents(v, "initiative", node, (*directoryv1.Entry).GetInitiative)
		resp.Content, err = format.EncodeEvents(initiatives, v.lookup, terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_COURSES:
		resp.MediaType = typeLD
		courses := listContents(v, "course", node, (*directoryv1.Entry).GetCourse)
		resp.Content, err = format.EncodeCourses(courses, v.lookup, terms)
	case directoryv1.ExportFormat_EXPORT_FORMAT_ENTRIES_CSV:
		resp.MediaType = typeCSV
		resp.Content, err = format.EncodeEntriesCSV(v.listEntries(node))
	default:
		return nil, fault.Invalid(fault.Field{Path: "format", Reason: fault.UnknownValue})
	}
	return resp, err
}

// PrintOffice returns a page about one office, as HTML or as a PDF.
func (s *Server) PrintOffice(
	ctx context.Context, req *directoryv1.PrintOfficeRequest,
) (*directoryv1.PrintOfficeResponse, error) {
	v := s.viewFor(ctx)
	o, ok := v.offices[req.GetOfficeId()]
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	terms, err := s.terms(v)
	if err != nil {
		return nil, err
	}
	lang := cmp.Or(req.GetLanguage(), "it")
	page, err := format.RenderHTML(o, lang, romeDate(s.now()), terms)
	if err != nil || req.GetFormat() != directoryv1.PrintFormat_PRINT_FORMAT_PDF {
		return &directoryv1.PrintOfficeResponse{Content: page, MediaType: typeHTML}, err
	}
	pdf, err := format.RenderPDF(page, o.GetName(), lang, s.now())
	return &directoryv1.PrintOfficeResponse{Content: pdf, MediaType: typePDF}, err
}

func (s *Server) terms(v *view) (*format.Terms, error) {
	terms, err := format.NewTerms(s.BaseURL, v.set.Lists())
	if err != nil {
		return nil, err
	}
	terms.NUTS = func(istat string) string {
		p, _ := s.places.ByCode(istat)
		return p.NUTS
	}
	return terms, nil
}

// listOffices returns the offices of a node ("" for all), sorted by region, node and identifier.
func (v *view) listOffices(node string) (out []*directoryv1.Office) {
	for _, o := range v.offices {
		if node == "" || o.GetNode() == node {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *directoryv1.Office) int {
		return cmp.Or(
			cmp.Compare(a.GetRegion(), b.GetRegion()),
			cmp.Compare(a.GetNode(), b.GetNode()),
			cmp.Compare(a.GetOfficeId(), b.GetOfficeId()),
		)
	})
	return out
}

// listEntries visits the entries of a node ("" for all).
func (v *view) listEntries(node string) iter.Seq[*directoryv1.Entry] {
	return func(yield func(*directoryv1.Entry) bool) {
		for e := range v.entries.All() {
			if (node == "" || entry.NodeOf(e) == node) && !yield(e) {
				return
			}
		}
	}
}

// listContents returns the contents of the entries of one kind and of a node ("" for all).
func listContents[C any](v *view, kind, node string, content func(*directoryv1.Entry) C) (out []C) {
	for e := range v.listEntries(node) {
		if e.GetKind() == kind {
			out = append(out, content(e))
		}
	}
	return out
}

// lookup returns an entry that another one refers to, or nil if it is not in the view.
func (v *view) lookup(ref entry.Ref) *directoryv1.Entry {
	e, _ := v.entries.Get(ref)
	return e
}

func (v *view) listCSV(name string) ([]byte, error) {
	lists := v.set.Lists(name)
	if i := slices.IndexFunc(lists, func(l *vocabularyv1.Vocabulary) bool { return l.GetName() == name }); i >= 0 {
		return format.EncodeVocabularyCSV(lists[i])
	}
	return nil, fault.New(fault.NotFound)
}
