package api

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/reason"
)

// The years that requests may speak of: those for which there are answers.
const firstYear, lastYear = 1970, 2399

// years completes what is said about a moment that lies outside of them.
const years = "1970-2399"

// maxDays is how many days one call may ask for, as a calendar in Italy counts them.
const maxDays = 92

// Check implements rpc.Checker: every moment of every request lies in the years that are known, stretches of time end after
// they begin, days exist, and what is proposed fits what there is.
func (s *Server) Check(m proto.Message) []fault.Field {
	fields := moments(m.ProtoReflect(), "")
	switch req := m.(type) {
	case *directoryv1.ListOpeningsRequest:
		return append(fields, asked(req.GetFrom(), req.GetTo())...)
	case *directoryv1.ListFreeWindowsRequest:
		fields = append(fields, asked(req.GetFrom(), req.GetTo())...)
		for i, busy := range req.GetBusy() {
			if reversed(busy.GetFrom(), busy.GetTo()) {
				fields = append(fields, fault.Field{Path: "busy[" + strconv.Itoa(i) + "].to", Reason: reason.RangeReversed})
			}
		}
		return fields
	case *directoryv1.ProposeChangesRequest:
		return append(fields, s.validateProposal(req)...)
	case *directoryv1.ReadDocumentRequest:
		return append(fields, validateDocumentKind(req)...)
	case *directoryv1.ListQualificationsRequest:
		return append(fields, date(req.GetDate())...)
	case *directoryv1.ResolveTerritoryRequest:
		return append(fields, date(req.GetDate())...)
	case *directoryv1.ListTerritoriesRequest:
		return append(fields, date(req.GetDate())...)
	}
	return fields
}

// asked checks the stretch of time that a request is about.
func asked(from, to *timestamppb.Timestamp) []fault.Field {
	switch {
	case !known(from) || !known(to):
		return nil // told already
	case reversed(from, to):
		return []fault.Field{{Path: "to", Reason: reason.RangeReversed}}
	case to.AsTime().After(from.AsTime().In(tz.Rome).AddDate(0, 0, maxDays)):
		return []fault.Field{{Path: "to", Reason: reason.RangeTooLong, Limit: strconv.Itoa(maxDays)}}
	}
	return nil
}

// reversed tells whether both ends are known, and the second is not after the first.
func reversed(from, to *timestamppb.Timestamp) bool {
	return known(from) && known(to) && !from.AsTime().Before(to.AsTime())
}

// date checks a day written as 2026-11-24; one that is not written like that is told by the contract.
func date(text string) []fault.Field {
	switch day, err := time.Parse(time.DateOnly, text); {
	case text == "":
		return nil
	case err != nil:
		return []fault.Field{{Path: "date", Reason: fault.ImpossibleDate}}
	case day.Year() < firstYear || day.Year() > lastYear:
		return []fault.Field{{Path: "date", Reason: fault.OutOfRange, Limit: years}}
	}
	return nil
}

// moments returns the moments in a message that do not exist or lie outside the years that are known, wherever they are.
// Outside, time.Duration overflows and calendars are made up.
func moments(m protoreflect.Message, path string) (wrong []fault.Field) {
	if t, ok := m.Interface().(*timestamppb.Timestamp); ok {
		if !known(t) {
			return []fault.Field{{Path: path, Reason: fault.OutOfRange, Limit: years}}
		}
		return nil
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if f.Message() == nil || f.IsMap() || !m.Has(f) {
			continue
		}
		at := string(f.Name())
		if path != "" {
			at = path + "." + at
		}
		if !f.IsList() {
			wrong = append(wrong, moments(m.Get(f).Message(), at)...)
			continue
		}
		for j := range m.Get(f).List().Len() {
			wrong = append(wrong, moments(m.Get(f).List().Get(j).Message(), at+"["+strconv.Itoa(j)+"]")...)
		}
	}
	return wrong
}

// known tells whether a moment exists and lies in the years that are known.
func known(t *timestamppb.Timestamp) bool {
	year := t.AsTime().Year()
	return t.IsValid() && year >= firstYear && year <= lastYear
}
