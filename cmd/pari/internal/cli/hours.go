package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

func (c *cli) deskHours() *cobra.Command {
	req := &directoryv1.ListOpeningsRequest{}
	var from, to string
	var phone bool
	cmd := &cobra.Command{
		Use: "hours OFFICE", Short: "Show when an office is open", Args: cobra.ExactArgs(1), ValidArgsFunction: c.offices,
		Example: "  pari desk hours cremona-sportello\n  pari desk hours cremona-sportello --from 2026-12-01 --to 2026-12-31",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.OfficeId = args[0]
			if phone {
				req.Channel = directoryv1.OpeningChannel_OPENING_CHANNEL_PHONE
			}
			first, last, err := days(from, to, time.Now())
			if err != nil {
				return err
			}
			req.From, req.To = timestamppb.New(first), timestamppb.New(last)
			return c.ask(cmd.Context(), "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := directoryv1.NewDirectoryServiceClient(conn).ListOpenings(ctx, req)
				if err != nil {
					return err
				}
				return c.print(answer, func(row render.Row) {
					if !answer.GetKnown() {
						row(c.label("orari non dati: chiama prima di andare", "hours not given: call before you go"))
						return
					}
					row(c.label("GIORNO", "DAY"), c.label("APRE", "OPENS"), c.label("CHIUDE", "CLOSES"))
					for _, o := range answer.GetOpenings() {
						opens, closes := o.GetFrom().AsTime().In(tz.Rome), o.GetTo().AsTime().In(tz.Rome)
						row(c.weekday(opens)+" "+opens.Format(time.DateOnly), opens.Format("15:04"), clockAfter(opens, closes))
					}
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "first day, for instance 2026-12-01; else today")
	f.StringVar(&to, "to", "", "last day; else 13 days later; 92 days at most")
	f.BoolVar(&phone, "phone", false, "hours of the telephone")
	return cmd
}

func (c *cli) deskCalendar() *cobra.Command {
	return &cobra.Command{
		Use: "calendar OFFICE", Short: "Print the hours of an office as a calendar (.ics)", Args: cobra.ExactArgs(1), ValidArgsFunction: c.offices,
		Example: "  pari desk calendar cremona-sportello > cremona-sportello.ics",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd.Context(), "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
				answer, err := directoryv1.NewDirectoryServiceClient(conn).GetOfficeCalendar(ctx, &directoryv1.GetOfficeCalendarRequest{OfficeId: args[0]})
				if err != nil {
					return err
				}
				if c.format == "json" {
					return c.print(answer, nil)
				}
				_, err = io.WriteString(c.out, answer.GetContent())
				return err
			})
		},
	}
}

// offices completes the identifier of an office. Where the network does not answer there is nothing to offer.
func (c *cli) offices(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) == 0 {
		_ = c.ask(cmd.Context(), "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
			answer, err := directoryv1.NewDirectoryServiceClient(conn).ListOffices(ctx, &directoryv1.ListOfficesRequest{PageSize: 200})
			for _, o := range answer.GetOffices() {
				if strings.HasPrefix(o.GetOfficeId(), begun) {
					ids = append(ids, o.GetOfficeId()+"\t"+o.GetName())
				}
			}
			return err
		})
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// days reads the first and the last day of a question, and returns the moments in Italy at which they begin and end.
func days(from, to string, now time.Time) (first, last time.Time, err error) {
	year, month, day := now.In(tz.Rome).Date()
	first = time.Date(year, month, day, 0, 0, 0, 0, tz.Rome)
	if from != "" {
		if first, err = time.ParseInLocation(time.DateOnly, from, tz.Rome); err != nil {
			return first, last, fmt.Errorf("--from takes a day such as 2026-12-01, not %q", from)
		}
	}
	last = first.AddDate(0, 0, 13)
	if to != "" {
		if last, err = time.ParseInLocation(time.DateOnly, to, tz.Rome); err != nil {
			return first, last, fmt.Errorf("--to takes a day such as 2026-12-31, not %q", to)
		}
	}
	return first, last.AddDate(0, 0, 1), nil
}

// weekday is the short name of a day of the week.
func (c *cli) weekday(t time.Time) string {
	return c.label([]string{"dom", "lun", "mar", "mer", "gio", "ven", "sab"}[t.Weekday()], t.Weekday().String()[:3])
}

// clockAfter writes when something closes; the midnight that ends its day is 24:00, and another day is named.
func clockAfter(opens, closes time.Time) string {
	switch next := opens.AddDate(0, 0, 1); {
	case closes.Format("15:04") == "00:00" && closes.YearDay() == next.YearDay():
		return "24:00"
	case closes.YearDay() != opens.YearDay():
		return closes.Format("15:04 (2006-01-02)")
	}
	return closes.Format("15:04")
}

// open says whether an office is open, until or from when, in Italy, and why where the weekly hours alone do not say it.
func (c *cli) open(s *directoryv1.OpenState) string {
	at := func(t *timestamppb.Timestamp) string {
		if t == nil {
			return "?"
		}
		return t.AsTime().In(tz.Rome).Format("2006-01-02 15:04")
	}
	why := c.why(s)
	switch {
	case !s.GetKnown():
		return c.label("orari non dati", "hours not given") + why
	case s.GetOpen():
		return c.label("sì, fino alle ", "yes, until ") + at(s.GetUntil()) + why
	default:
		return c.label("no, apre ", "no, opens ") + at(s.GetNextOpening()) + why
	}
}

// why is the holiday or the exception of the day, in brackets, and what to do when nobody knows.
func (c *cli) why(s *directoryv1.OpenState) string {
	var said []string
	if holiday := c.label(s.GetHolidayIt(), s.GetHolidayEn()); holiday != "" {
		said = append(said, holiday)
	}
	switch s.GetReason() { //nolint:exhaustive // the others need no word
	case directoryv1.OpeningReason_OPENING_REASON_HOLIDAY_NOT_GIVEN:
		said = append(said, c.label("non si sa se apre: chiama prima", "not known whether it opens: call before you go"))
	case directoryv1.OpeningReason_OPENING_REASON_EXCEPTION, directoryv1.OpeningReason_OPENING_REASON_REPETITION:
		if said = append(said, c.label("orario diverso", "other hours")); s.GetNote() != "" {
			said[len(said)-1] = s.GetNote()
		}
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, "; ") + ")"
}
