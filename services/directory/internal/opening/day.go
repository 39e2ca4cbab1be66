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

// day counts days since 1 January 1970, as a calendar on a wall does: without any zone.
type day int32

// The first and the last day that answers are given for, and days beyond all of them.
var (
	firstDay, lastDay = date(firstYear, time.January, 1), date(lastYear, time.December, 31)
	always, never     = firstDay - 1, lastDay + 1
)

// date returns the day of a date.
func date(year int, month time.Month, d int) day {
	return dayOf(time.Date(year, month, d, 0, 0, 0, 0, time.UTC))
}

// dayOf returns the day of a midnight in UTC.
func dayOf(midnight time.Time) day { return day(midnight.Unix() / secondsPerDay) }

// parseDay reads a day written as 2026-11-24.
func parseDay(text string) (day, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return 0, false
	}
	return dayOf(t), true
}

// parseRange reads two days, of which either may be empty for no limit.
func parseRange(from, to string) (first, last day, ok bool) {
	first, last, ok = always, never, true
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

// String writes the day as 2026-11-24.
func (d day) String() string { return d.midnight().Format(time.DateOnly) }

// weekday is 1 Monday to 7 Sunday; the days began on a Thursday.
func (d day) weekday() int { return int((d+3)%7) + 1 }

// next returns the first day with that weekday, from d on.
func (d day) next(weekday int) day { return d + day((weekday-d.weekday()+7)%7) }

// turn is a change of the clocks: from a second on they are ahead of UTC by so many seconds.
type turn struct{ at, ahead int64 }

// turns are the changes of the clocks in Rome over all days, the first of them before the first day. They are found by
// looking at the clocks every four weeks, for they have never changed twice in so little; the bounds that the standard library
// gives for a zone do not always advance, as on 31 December 2040.
var turns = sync.OnceValue(func() []turn {
	const step = 28 * secondsPerDay
	second, end := int64(firstDay-7)*secondsPerDay, int64(lastDay+7)*secondsPerDay
	all := []turn{{second, ahead(second)}}
	for ; second < end; second += step {
		if ahead(second) == ahead(second+step) {
			continue
		}
		within := sort.Search(step, func(i int) bool { return ahead(second+int64(i)) != ahead(second) })
		all = append(all, turn{second + int64(within), ahead(second + step)})
	}
	return all
})

// ahead returns by how many seconds the clocks in Rome are ahead of UTC.
func ahead(second int64) int64 {
	_, offset := time.Unix(second, 0).In(tz.Rome).Zone()
	return int64(offset)
}

// turnAt returns the position of the change in force at a second.
func turnAt(second int64) int {
	all := turns()
	return max(sort.Search(len(all), func(i int) bool { return all[i].at > second })-1, 0)
}

// dayAt returns the day that a calendar in Rome shows at a moment. It is false outside the days that answers are given for.
func dayAt(at time.Time) (day, bool) {
	second := at.Unix()
	if second < int64(firstDay)*secondsPerDay || second >= int64(lastDay)*secondsPerDay {
		return 0, false
	}
	return day((second + turns()[turnAt(second)].ahead) / secondsPerDay), true
}

// clampDay is dayAt with the nearest day that answers are given for.
func clampDay(at time.Time) day {
	if d, ok := dayAt(at); ok {
		return d
	}
	if at.Unix() < int64(firstDay)*secondsPerDay {
		return firstDay
	}
	return lastDay
}

// part is a stretch of a day in which the clocks do not change: its seconds, and the second at which they would have shown
// midnight.
type part struct{ from, to, midnight int64 }

// parts returns the one part of a day, or the two of a day on which the clocks change. The first part begins before the day
// and the last ends after it: what is shown then is another day's.
func (d day) parts() (parts [2]part, n int) {
	all := turns()
	start, end := (int64(d)*24-3)*3600, (int64(d)*24+24)*3600
	for i := turnAt(start); n < len(parts); i++ {
		to := end
		if i+1 < len(all) && all[i+1].at < end {
			to = all[i+1].at
		}
		parts[n] = part{from: start, to: to, midnight: int64(d)*secondsPerDay - all[i].ahead}
		n++
		if to == end {
			break
		}
		start = to
	}
	return parts, n
}

// clip returns the seconds of a part that show the times; from is not before to when there are none.
func (p part) clip(t TimeRange) (from, to int64) {
	return max(p.midnight+int64(t.Opens)*60, p.from), min(p.midnight+int64(t.Closes)*60, p.to)
}

// ends returns the second at which the day ends.
func (d day) ends() int64 {
	parts, n := d.parts()
	return parts[n-1].midnight + secondsPerDay
}
