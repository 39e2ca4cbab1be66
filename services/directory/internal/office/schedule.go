package office

import (
	"cmp"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// deskSchedule returns what the entry says about the opening of its deskSchedule. What it does not say about holidays is not given,
// even when its place is known.
func (o *Office) deskSchedule() opening.Schedule {
	return opening.Schedule{
		Hours: o.Hours, Exceptions: o.Exceptions, Holidays: cmp.Or(o.Holidays, opening.HolidaysNotGiven), Place: o.holidayMunicipality(),
	}
}

// phoneSchedule returns when somebody answers: the hours of the telephones that take calls, except on days on which the office is
// closed; other hours of the counter say nothing about telephones. Where telephones have no hours, the counter's are theirs.
func (o *Office) phoneSchedule() opening.Schedule {
	s := o.deskSchedule()
	var hours []opening.Hours
	for _, p := range o.Phones {
		if p.acceptsCalls() {
			hours = append(hours, p.Hours...)
		}
	}
	if len(hours) == 0 {
		return s
	}
	s.Hours, s.Exceptions = hours, nil
	for _, e := range o.Exceptions {
		if e.Closed {
			s.Exceptions = append(s.Exceptions, e)
		}
	}
	return s
}

// holidayMunicipality returns the municipality whose holidays the office keeps: that of its entrance, else of any address.
func (o *Office) holidayMunicipality() string {
	place := ""
	for _, a := range o.Addresses {
		if a.Purpose == PurposeEntrance {
			return a.Municipality
		}
		place = cmp.Or(place, a.Municipality)
	}
	return place
}

// plans are the schedules of an office, ready to be asked.
type plans struct{ counter, telephone *opening.Plan }

// compilePlans returns the plans of an office. Of one that does not work nothing is known, whatever its hours were.
func compilePlans(o *Office) plans {
	if o.State != "ACTIVE" {
		return plans{counter: &opening.Plan{}, telephone: &opening.Plan{}}
	}
	return plans{counter: compileOrEmpty(o.deskSchedule()), telephone: compileOrEmpty(o.phoneSchedule())}
}

// compileOrEmpty makes a schedule ready. Of one that is wrong nothing is known: entries are checked before they are stored.
func compileOrEmpty(s opening.Schedule) *opening.Plan {
	p, err := opening.Compile(s)
	if err != nil {
		return &opening.Plan{}
	}
	return p
}

// forMode returns the plan that matters to somebody who comes in an access mode.
func (p plans) forMode(mode string) *opening.Plan {
	if mode == AccessModePhone {
		return p.telephone
	}
	return p.counter
}

// stateAt returns the state that matters to somebody who comes in an access mode.
func (p plans) stateAt(mode string, moment time.Time) opening.State { return p.forMode(mode).StateAt(moment) }
