package api

import (
	"context"
	"errors"
	"regexp"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/text"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// maxProblems limits how many problems a response lists; the rest are only counted.
const maxProblems = 1000

// ReadDocument converts a document to entries and validates them. It stores nothing, so a node's copy serves it too.
func (s *Server) ReadDocument(
	ctx context.Context, req *directoryv1.ReadDocumentRequest,
) (*directoryv1.ReadDocumentResponse, error) {
	entries, resp, err := parseDocument(req)
	if err != nil {
		return nil, err
	}
	v := s.viewFor(ctx)
	for _, e := range entries {
		text.Normalize(e) // as the pipeline does it with the entries of a proposal
		if current, found := v.entries.Get(entry.RefOf(e)); found {
			e.Revision = current.GetRevision()
		}
	}
	resp.Entries = entries
	problems := s.findProblems(entries, s.publicView().entries.Without(entries), s.now(), refPath)
	for _, f := range problems[:min(len(problems), maxProblems)] {
		english, italian := f.Texts()
		resp.Wrong = append(resp.Wrong, &directoryv1.DocumentProblem{
			Path: f.Path, Reason: string(f.Reason), TextIt: italian, TextEn: english,
		})
	}
	resp.WrongMore = int32(max(0, len(problems)-maxProblems))
	return resp, nil
}

// parseDocument returns the entries of a document, and a response that lists only the fields that were passed over.
func parseDocument(
	req *directoryv1.ReadDocumentRequest,
) ([]*directoryv1.Entry, *directoryv1.ReadDocumentResponse, error) {
	resp := &directoryv1.ReadDocumentResponse{}
	if req.GetFormat() == directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML {
		e, err := entry.UnmarshalYAML(req.GetKind(), req.GetContent())
		if err != nil {
			return nil, nil, invalidContent(reason.UnreadableDocument, errorPosition(err))
		}
		return []*directoryv1.Entry{e}, resp, nil
	}
	result, err := format.ParseHSDS(req.GetContent())
	var unreadable *format.UnreadableError
	if errors.As(err, &unreadable) {
		return nil, nil, invalidContent(unreadableReasons[unreadable.Reason], unreadable.Path)
	}
	if err != nil {
		return nil, nil, err
	}
	var entries []*directoryv1.Entry
	for _, o := range result.Offices {
		e, err := entry.New(o)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, e)
	}
	for _, omission := range result.Omissions {
		resp.PassedOver = append(resp.PassedOver, &directoryv1.DocumentProblem{
			Path: omission.Path, Reason: omission.Code, TextIt: omission.ReasonIT, TextEn: omission.Reason,
		})
	}
	resp.PassedOverMore = int32(result.MoreOmissions)
	return entries, resp, nil
}

func invalidContent(problem fault.Reason, position string) error {
	return fault.Invalid(fault.Field{Path: "content", Reason: problem, Limit: position})
}

// refPath names a field of an entry by the entry's reference.
func refPath(ref entry.Ref, field string) string { return string(ref) + "." + field }

var unreadableReasons = map[format.UnreadableReason]fault.Reason{
	format.NotADocument: reason.UnreadableDocument,
	format.TooMany:      fault.TooMany,
	format.NoID:         fault.Required,
	format.BadID:        fault.BadFormat,
	format.DuplicateID:  fault.NotUnique,
}

// yamlPosition matches the position in the errors of the YAML and the protojson parser.
var yamlPosition = regexp.MustCompile(`line [0-9]+|field:? "?([a-zA-Z0-9_.-]{1,60})`)

// errorPosition returns the line or the field at which parsing failed. It never returns content of the file.
func errorPosition(err error) string {
	switch found := yamlPosition.FindStringSubmatch(err.Error()); {
	case found == nil:
		return ""
	case found[1] != "":
		return found[1]
	default:
		return found[0]
	}
}

// validateDocumentKind requires a kind for YAML, which does not name one, and refuses it for HSDS, which holds offices.
func validateDocumentKind(req *directoryv1.ReadDocumentRequest) []fault.Field {
	yaml := req.GetFormat() == directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML
	switch {
	case yaml && req.GetKind() == "":
		return []fault.Field{{Path: "kind", Reason: fault.Required}}
	case !yaml && req.GetKind() != "":
		return []fault.Field{{Path: "kind", Reason: fault.UnknownValue}}
	}
	return nil
}
