package format

import (
	"slices"
	"strings"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// hoursTable is a table of weekly openings. Each row repeats its day, for screen readers.
type hoursTable struct {
	Caption string
	Columns []string
	Rows    []hoursRow
}

type hoursRow struct{ Day, Opens, Closes string }

// HoursTable returns the table of weekly openings.
func (p *officePage) HoursTable(caption string, hours []*directoryv1.Hours) (*hoursTable, error) {
	table := &hoursTable{Caption: caption, Columns: []string{p.Labels.Day, p.Labels.Opens, p.Labels.Closes}}
	for _, h := range hours {
		day, err := dayOf(p.Labels.Days, h)
		if err != nil {
			return nil, err
		}
		table.Rows = append(table.Rows, hoursRow{day, h.GetOpens(), h.GetCloses()})
	}
	return table, nil
}

// phoneItem is a telephone number with its label, and when it is answered.
type phoneItem struct {
	Text  string
	Hours *hoursTable
}

// Phones returns the telephones of the office.
func (p *officePage) Phones() (phones []phoneItem, err error) {
	for _, phone := range p.Office.GetPhones() {
		whatsapp := ""
		if phone.GetWhatsapp() {
			whatsapp = "WhatsApp"
		}
		item := phoneItem{Text: withNote(phone.GetNumber(), joinNonEmpty(", ", phone.GetLabel(), whatsapp))}
		if len(phone.GetHours()) > 0 {
			caption := joinNonEmpty(": ", p.Labels.Answered, joinNonEmpty(", ", phone.GetNumber(), phone.GetLabel()))
			if item.Hours, err = p.HoursTable(caption, phone.GetHours()); err != nil {
				return nil, err
			}
		}
		if item != (phoneItem{}) {
			phones = append(phones, item)
		}
	}
	return phones, nil
}

// exceptionItem is an exception from the weekly hours.
type exceptionItem struct{ Days, Hours, Reason string }

// Exceptions returns the exceptions from today on, in order. Past ones are left out.
func (p *officePage) Exceptions() []exceptionItem {
	upcoming := slices.DeleteFunc(slices.Clone(p.Office.GetExceptions()), func(e *directoryv1.OpeningException) bool {
		last := e.GetTo()
		if last == "" && e.GetRrule() == "" {
			last = e.GetFrom()
		}
		return last != "" && last < p.today
	})
	slices.SortStableFunc(upcoming, func(a, b *directoryv1.OpeningException) int {
		return strings.Compare(a.GetFrom(), b.GetFrom())
	})
	return mapSlice(upcoming, func(e *directoryv1.OpeningException) exceptionItem {
		return exceptionItem{Days: p.exceptionDays(e), Hours: p.exceptionHours(e), Reason: withNote("", e.GetReason())}
	})
}

// exceptionDays returns the days of an exception. A recurrence rule is shown as it is written, after its range of days.
func (p *officePage) exceptionDays(e *directoryv1.OpeningException) string {
	days := e.GetFrom()
	switch {
	case e.GetTo() != "" && e.GetTo() != e.GetFrom():
		days = joinNonEmpty(" ", p.Labels.From, e.GetFrom(), p.Labels.To, e.GetTo())
	case e.GetTo() == "" && e.GetRrule() != "":
		days = joinNonEmpty(" ", p.Labels.From, e.GetFrom())
	}
	return withNote(days, e.GetRrule())
}

func (p *officePage) exceptionHours(e *directoryv1.OpeningException) string {
	if len(e.GetHours()) == 0 {
		return p.Labels.Closed
	}
	return strings.Join(mapSlice(e.GetHours(), func(h *directoryv1.OpeningTimes) string {
		return h.GetOpens() + "–" + h.GetCloses()
	}), ", ")
}
