package opening

import (
	"cmp"
	"errors"
	"slices"
	"sort"
)

// Reason tells what determined a day.
type Reason string

// The reasons of a day.
const (
	// ReasonHours: the weekly hours.
	ReasonHours Reason = "HOURS"
	// ReasonException: a dated exception.
	ReasonException Reason = "EXCEPTION"
	// ReasonRepetition: a repeating exception.
	ReasonRepetition Reason = "REPETITION"
	// ReasonHoliday: it is closed because of the holiday.
	ReasonHoliday Reason = "HOLIDAY"
	// ReasonHolidayNotGiven: it is a holiday, and the source does not tell whether it opens then.
	ReasonHolidayNotGiven Reason = "HOLIDAY_NOT_GIVEN"
)

// Plan is a compiled schedule. It is immutable and safe for concurrent use. The zero Plan knows no openings.
type Plan struct {
	weeks []segment[week]
	// dated holds the index of the dated exception that applies from a day on, or -1.
	dated      []segment[int]
	repeated   map[day]int
	exceptions []compiledException
	holidays   HolidayRule
	place      string
}

// segment is a value that applies from a day on, until the next segment starts.
type segment[T any] struct {
	start day
	value T
}

// week holds the sorted, merged openings of each weekday. It is not known if no hours are in force.
type week struct {
	known bool
	times [7][]TimeRange
}

// compiledException holds the merged openings of an exception and its reason.
type compiledException struct {
	times []TimeRange
	note  string
}

// Compile compiles a schedule, or returns the problems that Validate finds. Overlaps are no error: overlapping openings
// are merged, and of dated exceptions that share a day the last listed one applies, as it does for repeating ones.
func Compile(s Schedule) (*Plan, error) {
	var errs []error
	for _, problem := range Validate(s) {
		if problem.Code != Overlap {
			errs = append(errs, problem)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	p := &Plan{holidays: s.holidayRule(), place: s.Place, repeated: map[day]int{}}
	starts := []day{beforeFirstDay}
	var rules, dated []period
	for i, e := range s.Exceptions {
		p.exceptions = append(p.exceptions, compiledException{times: mergeRanges(e.Hours), note: e.Reason})
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
			rules, starts = append(rules, period{first, last, i}), append(starts, first, last+1)
		}
	}
	p.dated = datedSegments(dated)
	for _, h := range s.Hours {
		first, last, _ := parseRange(h.ValidFrom, h.ValidTo)
		starts = append(starts, first, last+1)
	}
	slices.Sort(starts)
	for _, start := range slices.Compact(starts) {
		p.weeks = append(p.weeks, segment[week]{start, weekOn(s.Hours, rules, start)})
	}
	return p, nil
}

// holidayRule returns the holiday rule of the schedule, or its default.
func (s Schedule) holidayRule() HolidayRule {
	if s.Holidays == "" && s.Place != "" {
		return HolidaysClosed
	}
	return cmp.Or(s.Holidays, HolidaysNotGiven)
}

// days returns the first and the last day of an exception. A dated one without To has one day.
func (e Exception) days() (first, last day, ok bool) {
	to := e.To
	if to == "" && e.RRule == "" {
		to = e.From
	}
	first, last, ok = parseRange(e.From, to)
	return first, last, ok && e.From != ""
}

// period is the days of an exception, both ends included, with the index of the exception.
type period struct {
	first, last day
	exception   int
}

// datedSegments returns which dated exception applies from each day on. Of those that share a day, the last listed
// applies.
func datedSegments(periods []period) []segment[int] {
	bounds := []day{beforeFirstDay}
	for _, p := range periods {
		bounds = append(bounds, p.first, p.last+1)
	}
	slices.Sort(bounds)
	var out []segment[int]
	for _, bound := range slices.Compact(bounds) {
		applies := -1
		for _, p := range periods {
			if p.first <= bound && bound <= p.last {
				applies = p.exception
			}
		}
		out = append(out, segment[int]{bound, applies})
	}
	return out
}

// weekOn returns the week in force on a day. An office with only a repeating exception is known to be closed on the
// other days.
func weekOn(hours []Hours, rules []period, on day) week {
	var w week
	for _, r := range rules {
		w.known = w.known || r.first <= on && on <= r.last
	}
	for _, h := range hours {
		if first, last, _ := parseRange(h.ValidFrom, h.ValidTo); first <= on && on <= last {
			w.known = true
			w.times[h.Weekday-1] = append(w.times[h.Weekday-1], TimeRange{h.Opens, h.Closes})
		}
	}
	for i := range w.times {
		w.times[i] = mergeRanges(w.times[i])
	}
	return w
}

// mergeRanges sorts the openings of a day and merges those that touch or overlap.
func mergeRanges(times []TimeRange) []TimeRange {
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

// segmentAt returns the value that applies on a day.
func segmentAt[T any](all []segment[T], d day) *T {
	return &all[sort.Search(len(all), func(i int) bool { return all[i].start > d })-1].value
}

// decision is what determines a day, and its openings.
type decision struct {
	known   bool
	reason  Reason
	note    string
	holiday Holiday
	times   []TimeRange
}

// decide determines a day, in the order that the package comment gives.
func (p *Plan) decide(d day) decision {
	if len(p.weeks) == 0 {
		return decision{}
	}
	out := decision{known: true, holiday: d.holiday(p.place)}
	if i := *segmentAt(p.dated, d); i >= 0 {
		out.reason, out.times, out.note = ReasonException, p.exceptions[i].times, p.exceptions[i].note
		return out
	}
	w := segmentAt(p.weeks, d)
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

// times returns the openings of decide. It is faster on days without any, because it computes the holiday last.
func (p *Plan) times(d day) []TimeRange {
	if i := *segmentAt(p.dated, d); i >= 0 {
		return p.exceptions[i].times
	}
	var times []TimeRange
	if i, repeats := p.repeated[d]; repeats {
		times = p.exceptions[i].times
	} else {
		times = segmentAt(p.weeks, d).times[d.weekday()-1]
	}
	if len(times) > 0 && p.holidays != HolidaysOpen && d.holiday(p.place) != (Holiday{}) {
		return nil
	}
	return times
}

// walk yields the merged openings of a range of days in order, as seconds. One that continues beyond the last day is
// cut at its end.
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
		// An opening that ends before midnight cannot continue on the next day.
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
