package api

import (
	"context"
	"fmt"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/ical"
)

// maxCalendar limits how many initiatives one calendar holds.
const maxCalendar = 5000

// GetInitiativeCalendar returns the sessions of one initiative, or of all initiatives of a node, as iCalendar.
func (s *Server) GetInitiativeCalendar(
	ctx context.Context, req *directoryv1.GetInitiativeCalendarRequest,
) (*directoryv1.GetInitiativeCalendarResponse, error) {
	v := s.viewFor(ctx)
	var chosen []*directoryv1.Entry
	name := "Iniziative"
	if id := req.GetInitiativeId(); id != "" {
		e, ok := v.entries.Get(entry.NewRef("initiative", id))
		if !ok {
			return nil, fault.New(fault.NotFound)
		}
		chosen, name = []*directoryv1.Entry{e}, e.GetInitiative().GetTitle()
	} else {
		filter := entry.Filter{Kinds: []string{"initiative"}, Node: req.GetNode()}
		chosen, _ = v.entries.Page(filter, "", maxCalendar)
	}
	w := &ical.Writer{}
	w.Begin("initiatives", name)
	for _, e := range chosen {
		for _, session := range e.GetInitiative().GetSessions() {
			if err := writeSession(w, e.GetInitiative(), session, s.now()); err != nil {
				return nil, err
			}
		}
	}
	return &directoryv1.GetInitiativeCalendarResponse{Content: w.End(), MediaType: typeCalendar}, nil
}

// writeSession writes one session as an event, of the whole day when the source gives no time. A cancelled session is
// written as cancelled, so that calendars that already hold it are updated.
func writeSession(w *ical.Writer, n *directoryv1.Initiative, session *directoryv1.Session, stamp time.Time) error {
	day, err := time.Parse(time.DateOnly, session.GetDate())
	if err != nil {
		return fmt.Errorf("session of %s: %w", n.GetInitiativeId(), err)
	}
	uid := fmt.Sprintf("UID:%s-%s-%s@initiative.pari", n.GetInitiativeId(), session.GetDate(), session.GetOpens())
	w.WriteLines("BEGIN:VEVENT", uid, "DTSTAMP:"+ical.FormatUTC(stamp))
	if session.GetOpens() == "" {
		w.WriteLines("DTSTART;VALUE=DATE:" + day.Format("20060102"))
	} else {
		w.WriteLines("DTSTART:" + ical.FormatUTC(romeTime(day, session.GetOpens())))
		if session.GetCloses() != "" {
			w.WriteLines("DTEND:" + ical.FormatUTC(romeTime(day, session.GetCloses())))
		}
	}
	summary := n.GetTitle()
	if session.GetTheme() != "" {
		summary += ": " + session.GetTheme()
	}
	w.WriteLines("SUMMARY:" + ical.EscapeText(summary))
	if n.GetDescription() != "" {
		w.WriteLines("DESCRIPTION:" + ical.EscapeText(n.GetDescription()))
	}
	if session.GetCancelled() {
		w.WriteLines("STATUS:CANCELLED")
	}
	w.WriteLines("END:VEVENT")
	return nil
}

// romeTime returns a local time in Europe/Rome on a day; 24:00 is the start of the next day.
func romeTime(day time.Time, clock string) time.Time {
	var hour, minute int
	_, _ = fmt.Sscanf(clock, "%d:%d", &hour, &minute) // validation has checked the format
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, tz.Rome)
}
