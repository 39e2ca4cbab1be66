package opening

import (
	"sort"
	"sync"
	"time"

	"github.com/retepari/pari/pkg/tz"
)

const (
	firstYear, lastYear = 1970, 2399

	secondsPerDay = 24 * 60 * 60
)

// day counts days since 1 January 1970, independent of any time zone.
type day int32

// The first and the last supported day, and the days outside them that stand for an open end.
var (
	firstDay, lastDay            = date(firstYear, time.January, 1), date(lastYear, time.December, 31)
	beforeFirstDay, afterLastDay = firstDay - 1, lastDay + 1
)

// date returns the day of a calendar date.
func date(year int, month time.Month, d int) day {
	return dayOf(time.Date(year, month, d, 0, 0, 0, 0, time.UTC))
}

// dayOf returns the day of a midnight in UTC.
func dayOf(midnight time.Time) day { return day(midnight.Unix() / secondsPerDay) }

// parseDay parses a day such as 2026-11-24. It fails outside the supported years.
func parseDay(text string) (day, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return 0, false
	}
	return dayOf(t), true
}

// parseRange parses the ends of a range of days. An empty end is open.
func parseRange(from, to string) (first, last day, ok bool) {
	first, last, ok = beforeFirstDay, afterLastDay, true
	if from != "" {
		first, ok = parseDay(from)
	}
	if to != "" && ok {
		last, ok = parseDay(to)
	}
	return first, last, ok
}

// midnight returns the day's midnight in UTC.
func (d day) midnight() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String formats the day as 2026-11-24.
func (d day) String() string { return d.midnight().Format(time.DateOnly) }

// weekday returns 1 for Monday to 7 for Sunday. Day 0 was a Thursday.
func (d day) weekday() int { return int((d+3)%7) + 1 }

// next returns the first day on or after d with the given weekday.
func (d day) next(weekday int) day { return d + day((weekday-d.weekday()+7)%7) }

// clockChange is a change of the clocks: from the second at on, they are offset seconds ahead of UTC.
type clockChange struct{ at, offset int64 }

// clockChanges are the changes of the clocks in Rome in ascending order. The first entry precedes the first day. The
// search samples the offset every four weeks, since the clocks have never changed twice in so short a time. The zone
// bounds of the standard library do not always advance, as on 31 December 2040.
var clockChanges = sync.OnceValue(func() []clockChange {
	const step = 28 * secondsPerDay
	second, end := int64(firstDay-7)*secondsPerDay, int64(lastDay+7)*secondsPerDay
	all := []clockChange{{second, utcOffset(second)}}
	for ; second < end; second += step {
		if utcOffset(second) == utcOffset(second+step) {
			continue
		}
		change := sort.Search(step, func(i int) bool { return utcOffset(second+int64(i)) != utcOffset(second) })
		all = append(all, clockChange{second + int64(change), utcOffset(second + step)})
	}
	return all
})

// utcOffset returns by how many seconds the clocks in Rome are ahead of UTC.
func utcOffset(second int64) int64 {
	_, offset := time.Unix(second, 0).In(tz.Rome).Zone()
	return int64(offset)
}

// clockChangeAt returns the index of the clock change in force at a second.
func clockChangeAt(second int64) int {
	all := clockChanges()
	return max(sort.Search(len(all), func(i int) bool { return all[i].at > second })-1, 0)
}

// dayAt returns the date in Rome at a moment. It fails outside the supported days.
func dayAt(at time.Time) (day, bool) {
	second := at.Unix()
	if second < int64(firstDay)*secondsPerDay || second >= int64(lastDay)*secondsPerDay {
		return 0, false
	}
	return day((second + clockChanges()[clockChangeAt(second)].offset) / secondsPerDay), true
}

// clampDay is like dayAt, but returns the nearest supported day.
func clampDay(at time.Time) day {
	if d, ok := dayAt(at); ok {
		return d
	}
	if at.Unix() < int64(firstDay)*secondsPerDay {
		return firstDay
	}
	return lastDay
}

// dayPart is a part of a day without a clock change: its seconds, and the second at which its clocks would have shown
// midnight.
type dayPart struct{ from, to, midnight int64 }

// parts returns the one part of a day, or the two parts of a day on which the clocks change. The first part begins
// before the day and the last ends after it; the times shown there belong to other days.
func (d day) parts() (parts [2]dayPart, n int) {
	all := clockChanges()
	start, end := (int64(d)*24-3)*3600, (int64(d)*24+24)*3600
	for i := clockChangeAt(start); n < len(parts); i++ {
		to := end
		if i+1 < len(all) && all[i+1].at < end {
			to = all[i+1].at
		}
		parts[n] = dayPart{from: start, to: to, midnight: int64(d)*secondsPerDay - all[i].offset}
		n++
		if to == end {
			break
		}
		start = to
	}
	return parts, n
}

// clip returns the seconds of a part whose clocks show the range. The result is empty (from >= to) if there are none.
func (p dayPart) clip(t TimeRange) (from, to int64) {
	return max(p.midnight+int64(t.Opens)*60, p.from), min(p.midnight+int64(t.Closes)*60, p.to)
}

// end returns the second at which the day ends.
func (d day) end() int64 {
	parts, n := d.parts()
	return parts[n-1].midnight + secondsPerDay
}
