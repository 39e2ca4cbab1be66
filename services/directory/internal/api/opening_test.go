package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// romeTime parses a local time in Italy.
func romeTime(t *testing.T, text string) *timestamppb.Timestamp {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", text, tz.Rome)
	if err != nil {
		t.Fatal(err)
	}
	return timestamppb.New(moment)
}

// formatSpans formats time spans in local time in Italy.
func formatSpans(spans []*directoryv1.TimeSpan) (out []string) {
	for _, s := range spans {
		from, to := s.GetFrom().AsTime().In(tz.Rome), s.GetTo().AsTime().In(tz.Rome)
		out = append(out, from.Format("2006-01-02 15:04")+"-"+to.Format("15:04"))
	}
	return out
}

// newCounter returns an office in Cremona with a closure, a holiday on one of its days (8 December 2026 is a Tuesday)
// and a telephone.
func newCounter() *directoryv1.Office {
	o := newDesk("a", "cremona")
	entrance := directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE
	o.Addresses = []*directoryv1.Address{{Purpose: entrance, Municipality: "019036"}}
	o.Hours[0].ValidFrom = "2026-01-01"
	o.Exceptions = []*directoryv1.OpeningException{
		{From: "2026-12-01", Closed: true, Reason: "assemblea"},
		{From: "2026-12-03", Hours: []*directoryv1.OpeningTimes{{Opens: "10:00", Closes: "11:00"}}},
	}
	phoneHours := []*directoryv1.Hours{{Weekday: 1, Opens: "09:00", Closes: "10:00"}}
	o.Phones = []*directoryv1.Phone{{Number: "0372 407364", Hours: phoneHours}}
	return o
}

func TestServer_GetOffice_HoursAndExceptions(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newCounter())
	got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"})
	if err != nil {
		t.Fatal(err)
	}
	want := &directoryv1.Office{
		Hours: []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "13:00", ValidFrom: "2026-01-01"}},
		Exceptions: []*directoryv1.OpeningException{
			{From: "2026-12-01", Closed: true, Reason: "assemblea"},
			{From: "2026-12-03", Hours: []*directoryv1.OpeningTimes{{Opens: "10:00", Closes: "11:00"}}},
		},
	}
	o := got.GetOffice()
	seen := &directoryv1.Office{Hours: o.GetHours(), Exceptions: o.GetExceptions(), Holidays: o.GetHolidays()}
	if diff := cmp.Diff(want, seen, protocmp.Transform()); diff != "" {
		t.Error("-want +got:\n" + diff)
	}
}

// Ensure the open state gives the reason why a counter is open or closed, or that it is not known.
func TestServer_GetOffice_OpenStateReason(t *testing.T) {
	t.Parallel()
	closedOnHolidays, openOnHolidays := newCounter(), newCounter()
	closedOnHolidays.Holidays = directoryv1.HolidayRule_HOLIDAY_RULE_CLOSED
	openOnHolidays.Holidays = directoryv1.HolidayRule_HOLIDAY_RULE_OPEN
	withoutHours, suspended := newDesk("a", "cremona"), newCounter()
	withoutHours.Hours, suspended.State = nil, "SUSPENDED"
	immacolata := func(s *directoryv1.OpenState) *directoryv1.OpenState {
		s.HolidayIt, s.HolidayEn = "Immacolata Concezione", "Immaculate Conception"
		return s
	}
	for _, c := range []struct {
		name   string
		office *directoryv1.Office
		at     string
		want   *directoryv1.OpenState
	}{
		{"open by its hours", newCounter(), "2026-11-24 09:30",
			&directoryv1.OpenState{Known: true, Open: true, Reason: directoryv1.OpeningReason_OPENING_REASON_HOURS}},
		{"closed by an exception, with its reason", newCounter(), "2026-12-01 09:30",
			&directoryv1.OpenState{
				Known: true, Reason: directoryv1.OpeningReason_OPENING_REASON_EXCEPTION, Note: "assemblea",
			}},
		{"closed on holidays", closedOnHolidays, "2026-12-08 09:30",
			immacolata(&directoryv1.OpenState{Known: true, Reason: directoryv1.OpeningReason_OPENING_REASON_HOLIDAY})},
		{"open on holidays", openOnHolidays, "2026-12-08 09:30", immacolata(
			&directoryv1.OpenState{Known: true, Open: true, Reason: directoryv1.OpeningReason_OPENING_REASON_HOURS})},
		{"holiday rule not given", newCounter(), "2026-12-08 09:30", immacolata(
			&directoryv1.OpenState{Known: true, Reason: directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN})},
		{"without hours", withoutHours, "2026-11-24 09:30",
			&directoryv1.OpenState{Reason: directoryv1.OpeningReason_OPENING_REASON_NOT_KNOWN}},
		{"suspended", suspended, "2026-11-24 09:30",
			&directoryv1.OpenState{Reason: directoryv1.OpeningReason_OPENING_REASON_NOT_KNOWN}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, _ := newClientAt(t, romeTime(t, c.at).AsTime(), c.office)
			got, err := client.GetOffice(t.Context(), &directoryv1.GetOfficeRequest{OfficeId: "a"})
			if err != nil {
				t.Fatal(err)
			}
			state := got.GetOpenState()
			state.Until, state.NextOpening = nil, nil
			if diff := cmp.Diff(c.want, state, protocmp.Transform()); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

func TestServer_ListOpenings(t *testing.T) {
	t.Parallel()
	const (
		counter = directoryv1.OpeningChannel_OPENING_CHANNEL_COUNTER
		phone   = directoryv1.OpeningChannel_OPENING_CHANNEL_PHONE
	)
	ended, withoutHours := newDesk("ended", "cremona"), newDesk("without-hours", "cremona")
	ended.ValidTo, withoutHours.Hours = "2026-11-30", nil
	client, _ := newClient(t, newCounter(), ended, withoutHours)
	for _, c := range []struct {
		name, office string
		channel      directoryv1.OpeningChannel
		from, to     string
		known        bool
		want         []string
	}{
		{"counter, without closure and holiday", "a", counter, "2026-11-24 10:00", "2026-12-15 12:00", true,
			[]string{"2026-11-24 10:00-13:00", "2026-12-03 10:00-11:00", "2026-12-15 09:00-12:00"}},
		{"telephone with its own hours", "a", phone, "2026-11-24 00:00", "2026-12-01 00:00", true,
			[]string{"2026-11-30 09:00-10:00"}},
		{"counter by default", "a", 0, "2026-11-24 00:00", "2026-11-25 00:00", true,
			[]string{"2026-11-24 09:00-13:00"}},
		{"until the entry ends", "ended", 0, "2026-11-24 00:00", "2026-12-10 00:00", true,
			[]string{"2026-11-24 09:00-13:00"}},
		{"unknown without hours", "without-hours", 0, "2026-11-24 00:00", "2026-12-10 00:00", false, nil},
		{"92 days in Italy, over the end of summer time", "a", 0, "2026-08-01 00:00", "2026-11-01 00:00", true,
			tuesdays("2026-08-04", "2026-10-27")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := client.ListOpenings(t.Context(), &directoryv1.ListOpeningsRequest{
				OfficeId: c.office, From: romeTime(t, c.from), To: romeTime(t, c.to), Channel: c.channel,
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, formatSpans(got.GetOpenings())); diff != "" || got.GetKnown() != c.known {
				t.Errorf("known %t, -want +got:\n%s", got.GetKnown(), diff)
			}
		})
	}
}

// tuesdays returns the weekly openings of a counter from one Tuesday to another.
func tuesdays(first, last string) (out []string) {
	day, err := time.Parse(time.DateOnly, first)
	for ; err == nil && day.Format(time.DateOnly) <= last; day = day.AddDate(0, 0, 7) {
		out = append(out, day.Format(time.DateOnly)+" 09:00-13:00")
	}
	return out
}

func TestServer_ListFreeWindows(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newCounter())
	busy := []*directoryv1.TimeSpan{
		{From: romeTime(t, "2026-11-24 11:15"), To: romeTime(t, "2026-11-24 11:30")},
		{From: romeTime(t, "2026-11-24 09:00"), To: romeTime(t, "2026-11-24 10:00")},
	}
	for _, c := range []struct {
		name         string
		length, step int32
		want         []string
	}{
		{"consecutive without a step", 60, 0, []string{"2026-11-24 10:00-11:00", "2026-11-24 12:00-13:00"}},
		{"at every step", 60, 30,
			[]string{"2026-11-24 10:00-11:00", "2026-11-24 11:30-12:30", "2026-11-24 12:00-13:00"}},
		{"none longer than the opening", 300, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := client.ListFreeWindows(t.Context(), &directoryv1.ListFreeWindowsRequest{
				OfficeId: "a", From: romeTime(t, "2026-11-24 00:00"), To: romeTime(t, "2026-11-25 00:00"),
				LengthMinutes: c.length, StepMinutes: c.step, Busy: busy,
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, formatSpans(got.GetWindows())); diff != "" || !got.GetKnown() {
				t.Errorf("known %t, -want +got:\n%s", got.GetKnown(), diff)
			}
		})
	}
}

func TestServer_GetOfficeCalendar(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newCounter())
	got, err := client.GetOfficeCalendar(t.Context(), &directoryv1.GetOfficeCalendarRequest{OfficeId: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"BEGIN:VCALENDAR", "X-WR-CALNAME:A", "DTSTART;TZID=Europe/Rome:20261124T090000", "DTSTAMP:20261124T090000Z",
		"END:VCALENDAR",
	} {
		if !strings.Contains(got.GetContent(), line+"\r\n") {
			t.Errorf("%s is not in\n%s", line, got.GetContent())
		}
	}
	if got.GetMediaType() != "text/calendar; charset=utf-8" {
		t.Errorf("media type %q", got.GetMediaType())
	}
}

// Ensure an invalid time range is refused with a fault for each field.
func TestServer_Openings_RefuseInvalid(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, newCounter())
	from, to := romeTime(t, "2026-11-24 00:00"), romeTime(t, "2026-11-25 00:00")
	early, late := timestamppb.New(time.Unix(-1, 0)), timestamppb.New(time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC))
	openings := func(office string, from, to *timestamppb.Timestamp, channel directoryv1.OpeningChannel) error {
		_, err := client.ListOpenings(t.Context(),
			&directoryv1.ListOpeningsRequest{OfficeId: office, From: from, To: to, Channel: channel})
		return err
	}
	windows := func(office string, to *timestamppb.Timestamp, length, step int32, busy ...*directoryv1.TimeSpan) error {
		_, err := client.ListFreeWindows(t.Context(), &directoryv1.ListFreeWindowsRequest{
			OfficeId: office, From: from, To: to, LengthMinutes: length, StepMinutes: step, Busy: busy,
		})
		return err
	}
	calendar := func(office string) error {
		_, err := client.GetOfficeCalendar(t.Context(), &directoryv1.GetOfficeCalendarRequest{OfficeId: office})
		return err
	}
	many := make([]*directoryv1.TimeSpan, 501)
	for i := range many {
		many[i] = &directoryv1.TimeSpan{From: from, To: to}
	}
	reversed := &directoryv1.TimeSpan{From: to, To: from}
	tooLate, open := &directoryv1.TimeSpan{From: late, To: to}, &directoryv1.TimeSpan{From: from}
	for _, c := range []struct {
		name   string
		err    error
		fields []string
	}{
		{"no times", openings("a", nil, nil, 0), []string{"from REQUIRED", "to REQUIRED"}},
		{"empty range", openings("a", from, from, 0), []string{"to RANGE_REVERSED"}},
		{"reversed range", openings("a", to, from, 0), []string{"to RANGE_REVERSED"}},
		{"92 days and a minute", openings("a", from, romeTime(t, "2027-02-24 00:01"), 0),
			[]string{"to RANGE_TOO_LONG"}},
		{"unsupported years", openings("a", early, late, 0), []string{"from OUT_OF_RANGE", "to OUT_OF_RANGE"}},
		{"unknown channel", openings("a", from, to, 9), []string{"channel UNKNOWN_VALUE"}},
		{"windows over 92 days", windows("a", romeTime(t, "2027-02-25 00:00"), 30, 0), []string{"to RANGE_TOO_LONG"}},
		{"windows too short", windows("a", to, 4, 4),
			[]string{"length_minutes OUT_OF_RANGE", "step_minutes OUT_OF_RANGE"}},
		{"windows too long", windows("a", to, 481, 481),
			[]string{"length_minutes OUT_OF_RANGE", "step_minutes OUT_OF_RANGE"}},
		{"too many busy spans", windows("a", to, 30, 0, many...), []string{"busy TOO_MANY"}},
		{"each field of busy spans", windows("a", to, 30, 0, many[0], reversed, tooLate, open),
			[]string{"busy[3].to REQUIRED", "busy[2].from OUT_OF_RANGE", "busy[1].to RANGE_REVERSED"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assertFault(t, c.err, fault.InvalidRequest, c.fields...)
		})
	}
	for name, err := range map[string]error{
		"openings": openings("b", from, to, 0), "windows": windows("b", to, 30, 0), "calendar": calendar("b"),
	} {
		t.Run(name+" of an unknown office", func(t *testing.T) {
			t.Parallel()
			assertFault(t, err, fault.NotFound)
		})
	}
}
