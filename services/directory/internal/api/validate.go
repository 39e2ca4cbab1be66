package api

import (
	"fmt"
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

// The years that timestamps and dates of requests may lie in.
const firstYear, lastYear = 1970, 2399

// yearRange is the limit that an OUT_OF_RANGE fault of a timestamp or a date names.
const yearRange = "1970-2399"

// maxDays limits the time range of a request, in calendar days in Italy.
const maxDays = 92

// Check implements rpc.Checker: timestamps and dates lie in the supported years, time ranges end after they start, and
// proposed entries are consistent with the rest of the directory.
func (s *Server) Check(m proto.Message) []fault.Field {
	fields := findUnsupportedTimes(m.ProtoReflect(), "")
	switch req := m.(type) {
	case *directoryv1.ListOpeningsRequest:
		return append(fields, validateRange(req.GetFrom(), req.GetTo())...)
	case *directoryv1.ListFreeWindowsRequest:
		fields = append(fields, validateRange(req.GetFrom(), req.GetTo())...)
		for i, busy := range req.GetBusy() {
			if isReversed(busy.GetFrom(), busy.GetTo()) {
				path := fmt.Sprintf("busy[%d].to", i)
				fields = append(fields, fault.Field{Path: path, Reason: reason.RangeReversed})
			}
		}
		return fields
	case *directoryv1.ProposeChangesRequest:
		return append(fields, s.validateProposal(req)...)
	case *directoryv1.ReadDocumentRequest:
		return append(fields, validateDocumentKind(req)...)
	case *directoryv1.ListQualificationsRequest:
		return append(fields, validateDate(req.GetDate())...)
	case *directoryv1.ResolveTerritoryRequest:
		return append(fields, validateDate(req.GetDate())...)
	case *directoryv1.ListTerritoriesRequest:
		return append(fields, validateDate(req.GetDate())...)
	}
	return fields
}

// validateRange validates the time range of a request.
func validateRange(from, to *timestamppb.Timestamp) []fault.Field {
	switch {
	case !isSupportedTime(from) || !isSupportedTime(to):
		return nil // findUnsupportedTimes reports it, or the contract if it is missing
	case isReversed(from, to):
		return []fault.Field{{Path: "to", Reason: reason.RangeReversed}}
	case to.AsTime().After(from.AsTime().In(tz.Rome).AddDate(0, 0, maxDays)):
		return []fault.Field{{Path: "to", Reason: reason.RangeTooLong, Limit: strconv.Itoa(maxDays)}}
	}
	return nil
}

// isReversed reports whether both ends are supported times, and the second is not after the first.
func isReversed(from, to *timestamppb.Timestamp) bool {
	return isSupportedTime(from) && isSupportedTime(to) && !from.AsTime().Before(to.AsTime())
}

// validateDate validates the year of a date such as 2026-11-24. The contract validates the rest.
func validateDate(text string) []fault.Field {
	day, err := time.Parse(time.DateOnly, text)
	if err == nil && (day.Year() < firstYear || day.Year() > lastYear) {
		return []fault.Field{{Path: "date", Reason: fault.OutOfRange, Limit: yearRange}}
	}
	return nil
}

// findUnsupportedTimes returns the timestamps anywhere in a message that are invalid or lie outside the supported
// years. Outside of these, time.Duration overflows and calendars are fictional.
func findUnsupportedTimes(m protoreflect.Message, path string) (problems []fault.Field) {
	if t, ok := m.Interface().(*timestamppb.Timestamp); ok {
		if !isSupportedTime(t) {
			return []fault.Field{{Path: path, Reason: fault.OutOfRange, Limit: yearRange}}
		}
		return nil
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if f.Message() == nil || f.IsMap() || !m.Has(f) {
			continue
		}
		fieldPath := string(f.Name())
		if path != "" {
			fieldPath = path + "." + fieldPath
		}
		if !f.IsList() {
			problems = append(problems, findUnsupportedTimes(m.Get(f).Message(), fieldPath)...)
			continue
		}
		items := m.Get(f).List()
		for j := range items.Len() {
			itemPath := fmt.Sprintf("%s[%d]", fieldPath, j)
			problems = append(problems, findUnsupportedTimes(items.Get(j).Message(), itemPath)...)
		}
	}
	return problems
}

// isSupportedTime reports whether a timestamp is valid and lies in the supported years.
func isSupportedTime(t *timestamppb.Timestamp) bool {
	year := t.AsTime().Year()
	return t.IsValid() && year >= firstYear && year <= lastYear
}
