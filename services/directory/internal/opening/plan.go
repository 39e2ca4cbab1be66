package opening

import (
	"cmp"
	"errors"
	"slices"
	"sort"
)

// Reason says what decides about a day.
type Reason string

// The reasons.
const (
	// ReasonHours: the weekly hours.
	ReasonHours Reason = "HOURS"
	// ReasonException: a dated exception.
	ReasonException Reason = "EXCEPTION"
	// ReasonRepetition: a repeating exception.
	ReasonRepetition Reason = "REPETITION"
	// ReasonHoliday: it closes on holidays.
	ReasonHoliday Reason = "HOLIDAY"
	// ReasonHolidayNotGiven: it is a holiday, and nobody said whether it opens then.
	ReasonHolidayNotGiven Reason = "HOLIDAY_NOT_GIVEN"
)

// Plan is a schedule made ready to be asked. It never changes, and many may ask at once. The empty Plan knows nothing.
type Plan struct {
	weeks []from[week]
	// dated holds the position of the exception from a day on, or -1.
	dated      []from[int]
	repeated   map[day]int
	exceptions []exception
	holidays   HolidayRule
	place      string
}

// from is what holds from a day on, until the next.
type from[T any] struct {
	day   day
	value T
}

// week is the openings of each weekday, in order, none touching the next. It is not known where no hours are in force.
type week struct {
	known bool
	times [7][]TimeRange
}

type exception struct {
	times []TimeRange
	note  string
}

// Compile makes a schedule ready to be asked, or returns what Check says. Overlaps are no obstacle: openings that overlap are
// one, and of dated exceptions that share a day the one listed last counts, as it does of repeating ones.
func Compile(s Schedule) (*Plan, error) {
	var bad []error
	for _, problem := range Validate(s) {
		if problem.Code != Overlap {
			bad = append(bad, problem)
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	p := &Plan{holidays: s.holidays(), place: s.Place, repeated: map[day]int{}}
	starts := []day{always}
	var running, dated []period
	for i, e := range s.Exceptions {
		p.exceptions = append(p.exceptions, exception{times: union(e.Hours), note: e.Reason})
		first, last, _ := e.days()
		if e.RRule == "" {
			dated = append(dated, period{first, last, i})
			continue
		}
		last = min(last, ruleEnd(first))
		days, err := expand(e.RRule, first, last)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			p.repeated[d] = i
		}
		if len(e.Hours) > 0 {
			running, starts = append(running, period{first, last, i}), append(starts, first, last+1)
		}
	}
	p.dated = latest(dated)
	for _, h := range s.Hours {
		first, last, _ := parseRange(h.ValidFrom, h.ValidTo)
		starts = append(starts, first, last+1)
	}
	slices.Sort(starts)
	for _, start := range slices.Compact(starts) {
		p.weeks = append(p.weeks, from[week]{start, weekOf(s.Hours, running, start)})
	}
	return p, nil
}

// holidays returns the rule that a schedule has where it says nothing.
func (s Schedule) holidays() HolidayRule {
	if s.Holidays == "" && s.Place != "" {
		return HolidaysClosed
	}
	return cmp.Or(s.Holidays, HolidaysNotGiven)
}

// days returns the first and the last day of an exception. A dated one without last day has one day.
func (e Exception) days() (first, last day, ok bool) {
	to := e.To
	if to == "" && e.RRule == "" {
		to = e.From
	}
	first, last, ok = parseRange(e.From, to)
	return first, last, ok && e.From != ""
}

// period is the days of an exception, both included, with its position.
type period struct {
	first, last day
	exception   int
}

// latest tells from which day on which exception holds: of those that share a day, the last.
func latest(periods []period) []from[int] {
	bounds := []day{always}
	for _, p := range periods {
		bounds = append(bounds, p.first, p.last+1)
	}
	slices.Sort(bounds)
	var out []from[int]
	for _, bound := range slices.Compact(bounds) {
		holds := -1
		for _, p := range periods {
			if p.first <= bound && bound <= p.last {
				holds = p.exception
			}
		}
		out = append(out, from[int]{bound, holds})
	}
	return out
}

// weekOf returns the week in force on a day. Who opens by a rule only is known to be closed on the other days.
func weekOf(hours []Hours, running []period, on day) week {
	var w week
	for _, r := range running {
		w.known = w.known || r.first <= on && on <= r.last
	}
	for _, h := range hours {
		if first, last, _ := parseRange(h.ValidFrom, h.ValidTo); first <= on && on <= last {
			w.known = true
			w.times[h.Weekday-1] = append(w.times[h.Weekday-1], TimeRange{h.Opens, h.Closes})
		}
	}
	for i := range w.times {
		w.times[i] = union(w.times[i])
	}
	return w
}

// union returns openings of a day in order, those that touch or overlap as one.
func union(times []TimeRange) []TimeRange {
	sorted := slices.SortedFunc(slices.Values(times), func(a, b TimeRange) int { return cmp.Compare(a.Opens, b.Opens) })
	var out []TimeRange
	for _, t := range sorted {
		if n := len(out); n > 0 && t.Opens <= out[n-1].Closes {
			out[n-1].Closes = max(out[n-1].Closes, t.Closes)
			continue
		}
		out = append(out, t)
	}
	return out
}

// at returns what holds on a day.
func at[T any](all []from[T], d day) *T {
	if len(all) == 1 {
		return &all[0].value
	}
	return &all[sort.Search(len(all), func(i int) bool { return all[i].day > d })-1].value
}

// decision is what is said about a day.
type decision struct {
	known   bool
	reason  Reason
	note    string
	holiday Holiday
	times   []TimeRange
}

// decide returns what is said about a day: the order is that of the package's comment.
func (p *Plan) decide(d day) decision {
	if len(p.weeks) == 0 {
		return decision{}
	}
	out := decision{known: true, holiday: d.holiday(p.place)}
	if i := *at(p.dated, d); i >= 0 {
		out.reason, out.times, out.note = ReasonException, p.exceptions[i].times, p.exceptions[i].note
		return out
	}
	w := at(p.weeks, d)
	i, repeats := p.repeated[d]
	switch {
	case !repeats && !w.known:
		return decision{holiday: out.holiday}
	case out.holiday != Holiday{} && p.holidays == HolidaysClosed:
		out.reason = ReasonHoliday
	case out.holiday != Holiday{} && p.holidays == HolidaysNotGiven:
		out.reason = ReasonHolidayNotGiven
	case repeats:
		out.reason, out.times, out.note = ReasonRepetition, p.exceptions[i].times, p.exceptions[i].note
	default:
		out.reason, out.times = ReasonHours, w.times[d.weekday()-1]
	}
	return out
}

// times returns the openings of a day: those of decide, sooner on days without any.
func (p *Plan) times(d day) []TimeRange {
	if i := *at(p.dated, d); i >= 0 {
		return p.exceptions[i].times
	}
	var times []TimeRange
	if i, repeats := p.repeated[d]; repeats {
		times = p.exceptions[i].times
	} else {
		times = at(p.weeks, d).times[d.weekday()-1]
	}
	if len(times) > 0 && p.holidays != HolidaysOpen && d.holiday(p.place) != (Holiday{}) {
		return nil
	}
	return times
}

// walk yields the openings from a day to another, in order and apart from each other, as seconds. One that goes on beyond the
// last day ends with it.
func (p *Plan) walk(first, last day, yield func(from, to int64) bool) {
	if len(p.weeks) == 0 {
		return
	}
	var from, to int64
	open := false
	for d := first; d <= min(last, lastDay); d++ {
		times := p.times(d)
		if len(times) > 0 {
			parts, n := d.parts()
			for _, part := range parts[:n] {
				for _, t := range times {
					opens, closes := part.clip(t)
					switch {
					case opens >= closes:
					case open && opens <= to:
						to = max(to, closes)
					case open && !yield(from, to):
						return
					default:
						from, to, open = opens, closes, true
					}
				}
			}
		}
		// What ends before midnight cannot go on the next day.
		if open && (len(times) == 0 || times[len(times)-1].Closes < endOfDay) {
			if !yield(from, to) {
				return
			}
			open = false
		}
	}
	if open {
		yield(from, to)
	}
}
