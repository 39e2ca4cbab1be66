package api

import (
	"context"
	"errors"
	"regexp"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/format"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// maxWrong is how many things that are wrong are told at most.
const maxWrong = 1000

// ReadDocument returns what a document would be in the directory. It stores nothing, so a node's copy answers too.
func (s *Server) ReadDocument(ctx context.Context, req *directoryv1.ReadDocumentRequest) (*directoryv1.ReadDocumentResponse, error) {
	entries, answer, err := readDocument(req)
	if err != nil {
		return nil, err
	}
	v := s.viewFor(ctx)
	for _, e := range entries {
		if old, there := v.entries.Get(entry.RefOf(e)); there {
			e.Revision = old.GetRevision()
		}
	}
	answer.Entries = entries
	wrong := s.findProblems(entries, s.publicView().entries.Without(entries), s.now(), func(ref entry.Ref, field string) string { return string(ref) + "." + field })
	for _, f := range wrong[:min(len(wrong), maxWrong)] {
		english, italian := f.Texts()
		answer.Wrong = append(answer.Wrong, &directoryv1.DocumentProblem{Path: f.Path, Reason: string(f.Reason), TextIt: italian, TextEn: english})
	}
	answer.WrongMore = int32(max(0, len(wrong)-maxWrong))
	return answer, nil
}

func readDocument(req *directoryv1.ReadDocumentRequest) ([]*directoryv1.Entry, *directoryv1.ReadDocumentResponse, error) {
	answer := &directoryv1.ReadDocumentResponse{}
	if req.GetFormat() == directoryv1.DocumentFormat_DOCUMENT_FORMAT_YAML {
		e, err := entry.UnmarshalYAML(req.GetKind(), req.GetContent())
		if err != nil {
			return nil, nil, fault.Invalid(fault.Field{Path: "content", Reason: reason.UnreadableDocument, Limit: placeIn(err)})
		}
		return []*directoryv1.Entry{e}, answer, nil
	}
	read, err := format.ParseHSDS(req.GetContent())
	var unreadable *format.UnreadableError
	if errors.As(err, &unreadable) {
		return nil, nil, fault.Invalid(fault.Field{Path: "content", Reason: unreadableReasons[unreadable.Reason], Limit: unreadable.Path})
	}
	if err != nil {
		return nil, nil, err
	}
	var entries []*directoryv1.Entry
	for _, o := range read.Offices {
		e, err := entry.New(o)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, e)
	}
	for _, left := range read.Omissions {
		answer.PassedOver = append(answer.PassedOver, &directoryv1.DocumentProblem{Path: left.Path, Reason: left.Code, TextIt: left.ReasonIT, TextEn: left.Reason})
	}
	answer.PassedOverMore = int32(read.MoreOmissions)
	return entries, answer, nil
}

var unreadableReasons = map[format.UnreadableReason]fault.Reason{
	format.NotADocument: reason.UnreadableDocument, format.TooMany: fault.TooMany, format.NoID: fault.Required, format.BadID: fault.BadFormat,
	format.DuplicateID: fault.NotUnique,
}

// placeInYAML is how the readers of YAML and of the contract's fields say where they stopped.
var placeInYAML = regexp.MustCompile(`line [0-9]+|field:? "?([a-zA-Z0-9_.-]{1,60})`)

// placeIn is where a file cannot be read: a line or a field, and nothing of what it holds.
func placeIn(err error) string {
	switch found := placeInYAML.FindStringSubmatch(err.Error()); {
	case found == nil:
		return ""
	case found[1] != "":
		return found[1]
	default:
		return found[0]
	}
}

// validateDocumentKind tells what is wrong with the kind that a document is said to hold.
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
