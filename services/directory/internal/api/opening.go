package api

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/opening"
)

// typeCalendar is the media type of a calendar.
const typeCalendar = "text/calendar; charset=utf-8"

// ListOpenings returns when a counter or a telephone is open.
func (s *Server) ListOpenings(
	ctx context.Context, req *directoryv1.ListOpeningsRequest,
) (*directoryv1.ListOpeningsResponse, error) {
	mode := ""
	if req.GetChannel() == directoryv1.OpeningChannel_OPENING_CHANNEL_PHONE {
		mode = office.AccessModePhone
	}
	openings, ok := s.viewFor(ctx).index.Openings(req.GetOfficeId(), mode)
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	spans := openings.Spans(req.GetFrom().AsTime(), req.GetTo().AsTime())
	return &directoryv1.ListOpeningsResponse{Openings: spansToProto(spans), Known: openings.Known}, nil
}

// ListFreeWindows returns the windows in which a counter is open and an appointment fits.
func (s *Server) ListFreeWindows(
	ctx context.Context, req *directoryv1.ListFreeWindowsRequest,
) (*directoryv1.ListFreeWindowsResponse, error) {
	openings, ok := s.viewFor(ctx).index.Openings(req.GetOfficeId(), "")
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	length := time.Duration(req.GetLengthMinutes()) * time.Minute
	step := time.Duration(req.GetStepMinutes()) * time.Minute
	if step == 0 {
		step = length
	}
	busy := make([]opening.Span, 0, len(req.GetBusy()))
	for _, b := range req.GetBusy() {
		busy = append(busy, opening.Span{From: b.GetFrom().AsTime(), To: b.GetTo().AsTime()})
	}
	windows := openings.FreeWindows(req.GetFrom().AsTime(), req.GetTo().AsTime(), length, step, busy)
	return &directoryv1.ListFreeWindowsResponse{Windows: spansToProto(windows), Known: openings.Known}, nil
}

// GetOfficeCalendar returns the hours of a counter as iCalendar.
func (s *Server) GetOfficeCalendar(
	ctx context.Context, req *directoryv1.GetOfficeCalendarRequest,
) (*directoryv1.GetOfficeCalendarResponse, error) {
	index := s.viewFor(ctx).index
	o, ok := index.Get(req.GetOfficeId())
	if !ok {
		return nil, fault.New(fault.NotFound)
	}
	openings, _ := index.Openings(o.ID, "")
	content := openings.Calendar(o.ID, o.Name, s.now())
	return &directoryv1.GetOfficeCalendarResponse{Content: content, MediaType: typeCalendar}, nil
}

func spansToProto(spans iter.Seq[opening.Span]) (out []*directoryv1.TimeSpan) {
	for span := range spans {
		out = append(out, &directoryv1.TimeSpan{From: timestamppb.New(span.From), To: timestamppb.New(span.To)})
	}
	return out
}

// reasonToProto maps a missing reason, which a day without any hours has, to NOT_KNOWN.
func reasonToProto(reason opening.Reason) directoryv1.OpeningReason {
	switch reason {
	case opening.ReasonHours:
		return directoryv1.OpeningReason_OPENING_REASON_HOURS
	case opening.ReasonException:
		return directoryv1.OpeningReason_OPENING_REASON_EXCEPTION
	case opening.ReasonRepetition:
		return directoryv1.OpeningReason_OPENING_REASON_REPETITION
	case opening.ReasonHoliday:
		return directoryv1.OpeningReason_OPENING_REASON_HOLIDAY
	case opening.ReasonHolidayNotGiven:
		return directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN
	}
	return directoryv1.OpeningReason_OPENING_REASON_NOT_KNOWN
}
