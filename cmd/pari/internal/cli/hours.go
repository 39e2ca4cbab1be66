package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// defaultDays is how many days the hours command shows without --to.
const defaultDays = 14

func (c *cli) deskHoursCmd() *cobra.Command {
	req := &directoryv1.ListOpeningsRequest{}
	var from, to string
	var phone bool
	cmd := &cobra.Command{
		Use: "hours OFFICE", Short: "Show when an office is open", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.completeOffice,
		Example: "  pari desk hours cremona-sportello\n" +
			"  pari desk hours cremona-sportello --from 2026-12-01 --to 2026-12-31",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.OfficeId = args[0]
			if phone {
				req.Channel = directoryv1.OpeningChannel_OPENING_CHANNEL_PHONE
			}
			start, end, err := parseDays(from, to, time.Now())
			if err != nil {
				return err
			}
			req.From, req.To = timestamppb.New(start), timestamppb.New(end)
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.ListOpenings(ctx, req)
				if err != nil {
					return err
				}
				return c.print(resp, func(row render.Row) { c.openingRows(resp, row) })
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "first day, for instance 2026-12-01; else today")
	f.StringVar(&to, "to", "", "last day; else 13 days later; 92 days at most")
	f.BoolVar(&phone, "phone", false, "hours of the telephone")
	return cmd
}

func (c *cli) openingRows(resp *directoryv1.ListOpeningsResponse, row render.Row) {
	if !resp.GetKnown() {
		row(c.label("orari non dati: chiama prima di andare", "hours not given: call before you go"))
		return
	}
	row(c.label("GIORNO", "DAY"), c.label("APRE", "OPENS"), c.label("CHIUDE", "CLOSES"))
	for _, o := range resp.GetOpenings() {
		opens, closes := o.GetFrom().AsTime().In(tz.Rome), o.GetTo().AsTime().In(tz.Rome)
		day := c.weekday(opens) + " " + opens.Format(time.DateOnly)
		row(day, opens.Format("15:04"), closingTime(opens, closes))
	}
}

func (c *cli) deskCalendarCmd() *cobra.Command {
	return &cobra.Command{
		Use: "calendar OFFICE", Short: "Print the hours of an office as a calendar (.ics)", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.completeOffice,
		Example:           "  pari desk calendar cremona-sportello > cremona-sportello.ics",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
				resp, err := directory.GetOfficeCalendar(ctx, &directoryv1.GetOfficeCalendarRequest{OfficeId: args[0]})
				if err != nil {
					return err
				}
				if c.format == "json" {
					return c.print(resp, nil)
				}
				return c.writeDocument([]byte(resp.GetContent()))
			})
		},
	}
}

// completeOffice completes office ids for the shell. It offers nothing when the directory does not respond.
func (c *cli) completeOffice(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) == 0 {
		_ = c.withDirectory(cmd.Context(), func(ctx context.Context, directory directoryClient) error {
			resp, err := directory.ListOffices(ctx, &directoryv1.ListOfficesRequest{PageSize: 200})
			for _, o := range resp.GetOffices() {
				if strings.HasPrefix(o.GetOfficeId(), prefix) {
					ids = append(ids, render.Escape(o.GetOfficeId())+"\t"+render.Escape(o.GetName()))
				}
			}
			return err
		})
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// parseDays returns the half-open interval from the start of the day "from" to the end of the day "to" in Italy. Empty
// values mean today and a period of defaultDays.
func parseDays(from, to string, now time.Time) (start, end time.Time, err error) {
	year, month, day := now.In(tz.Rome).Date()
	start = time.Date(year, month, day, 0, 0, 0, 0, tz.Rome)
	if from != "" {
		if start, err = time.ParseInLocation(time.DateOnly, from, tz.Rome); err != nil {
			return start, end, errorf("--from è un giorno come 2026-12-01, non %q",
				"--from takes a day such as 2026-12-01, not %q", from)
		}
	}
	if to == "" {
		return start, start.AddDate(0, 0, defaultDays), nil
	}
	last, err := time.ParseInLocation(time.DateOnly, to, tz.Rome)
	if err != nil {
		return start, end, errorf("--to è un giorno come 2026-12-31, non %q",
			"--to takes a day such as 2026-12-31, not %q", to)
	}
	return start, last.AddDate(0, 0, 1), nil
}

// weekday returns the short name of the day of the week.
func (c *cli) weekday(t time.Time) string {
	return c.label([]string{"dom", "lun", "mar", "mer", "gio", "ven", "sab"}[t.Weekday()], t.Weekday().String()[:3])
}

// closingTime formats the end of an opening: 24:00 for the midnight that ends the opening's day, with the date for any
// other time on another day.
func closingTime(opens, closes time.Time) string {
	switch nextDay := opens.AddDate(0, 0, 1); {
	case closes.Format("15:04") == "00:00" && closes.YearDay() == nextDay.YearDay():
		return "24:00"
	case closes.YearDay() != opens.YearDay():
		return closes.Format("15:04 (2006-01-02)")
	}
	return closes.Format("15:04")
}

// openState formats whether an office is open and when that changes, in Italian time, with the reason where it is not
// the weekly hours.
func (c *cli) openState(s *directoryv1.OpenState) string {
	reason := c.openReason(s)
	switch {
	case !s.GetKnown():
		return c.label("orari non dati", "hours not given") + reason
	case s.GetOpen():
		if s.GetUntil() == nil {
			return c.label("sì, non si sa fino a quando", "yes, until ?") + reason
		}
		return c.label("sì, fino al "+momentIt(s.GetUntil()), "yes, until "+formatTime(s.GetUntil())) + reason
	case s.GetNextOpening() == nil:
		return c.label("no, non si sa quando apre", "no, opens ?") + reason
	}
	return c.label("no, apre il "+momentIt(s.GetNextOpening()), "no, opens "+formatTime(s.GetNextOpening())) + reason
}

// openReason returns the holiday or the exception of the day in brackets, with the advice to call where the hours are
// not known.
func (c *cli) openReason(s *directoryv1.OpenState) string {
	var notes []string
	if holiday := c.label(s.GetHolidayIt(), s.GetHolidayEn()); holiday != "" {
		notes = append(notes, holiday)
	}
	switch s.GetReason() { //nolint:exhaustive // the other reasons need no note
	case directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN:
		notes = append(notes,
			c.label("non si sa se apre: chiama prima", "not known whether it opens: call before you go"))
	case directoryv1.OpeningReason_OPENING_REASON_EXCEPTION, directoryv1.OpeningReason_OPENING_REASON_REPETITION:
		note := s.GetNote()
		if note == "" {
			note = c.label("orario diverso", "other hours")
		}
		notes = append(notes, note)
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}
