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

// GetInitiativeCalendar returns the sessions of one initiative, or of all that a node has, as a calendar.
func (s *Server) GetInitiativeCalendar(ctx context.Context, req *directoryv1.GetInitiativeCalendarRequest) (*directoryv1.GetInitiativeCalendarResponse, error) {
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
		chosen, _ = v.entries.Page(entry.Filter{Kinds: []string{"initiative"}, Node: req.GetNode()}, "", maxCalendar)
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

// maxCalendar is how many initiatives one calendar holds at most.
const maxCalendar = 5000

// writeSession writes one session: at its hours, or as a whole day when the source gives none. A session that was called off
// stays, so that a calendar that has it learns so.
func writeSession(w *ical.Writer, n *directoryv1.Initiative, session *directoryv1.Session, stamp time.Time) error {
	day, err := time.Parse(time.DateOnly, session.GetDate())
	if err != nil {
		return fmt.Errorf("session of %s: %w", n.GetInitiativeId(), err)
	}
	w.WriteLines("BEGIN:VEVENT", fmt.Sprintf("UID:%s-%s-%s@initiative.pari", n.GetInitiativeId(), session.GetDate(), session.GetOpens()), "DTSTAMP:"+ical.FormatUTC(stamp))
	if session.GetOpens() == "" {
		w.WriteLines("DTSTART;VALUE=DATE:" + day.Format("20060102"))
	} else {
		w.WriteLines("DTSTART:" + ical.FormatUTC(onClock(day, session.GetOpens())))
		if session.GetCloses() != "" {
			w.WriteLines("DTEND:" + ical.FormatUTC(onClock(day, session.GetCloses())))
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

// onClock is the moment at which clocks in Rome show a time on a day; 24:00 is the beginning of the next.
func onClock(day time.Time, clock string) time.Time {
	var hour, minute int
	_, _ = fmt.Sscanf(clock, "%d:%d", &hour, &minute) // the contract has checked its form
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, tz.Rome)
}
