package office

import (
	"cmp"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// counterSchedule returns the opening hours of the counter. A missing holiday rule means not given, even if the
// municipality is known.
func (o *Office) counterSchedule() opening.Schedule {
	return opening.Schedule{
		Hours: o.Hours, Exceptions: o.Exceptions, Holidays: cmp.Or(o.Holidays, opening.HolidaysNotGiven),
		Place: o.holidayMunicipality(),
	}
}

// phoneSchedule returns when the telephone is answered: the hours of the numbers that accept calls, except on days on
// which the whole office is closed. Other exceptions of the counter do not apply to telephones. Telephones without
// hours have those of the counter.
func (o *Office) phoneSchedule() opening.Schedule {
	s := o.counterSchedule()
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

// holidayMunicipality returns the municipality whose holidays the office observes: that of its entrance, else of its
// first address that gives one.
func (o *Office) holidayMunicipality() string {
	municipality := ""
	for _, a := range o.Addresses {
		if a.Purpose == PurposeEntrance {
			return a.Municipality
		}
		municipality = cmp.Or(municipality, a.Municipality)
	}
	return municipality
}

// plans are the compiled schedules of an office.
type plans struct{ counter, phone *opening.Plan }

// compilePlans compiles the schedules of an office. An office that is not active has empty plans, whatever its hours.
func compilePlans(o *Office) plans {
	if o.State != "ACTIVE" {
		return plans{counter: &opening.Plan{}, phone: &opening.Plan{}}
	}
	return plans{counter: compileOrEmpty(o.counterSchedule()), phone: compileOrEmpty(o.phoneSchedule())}
}

// compileOrEmpty compiles a schedule. An invalid one yields an empty plan: entries are validated before they are
// stored.
func compileOrEmpty(s opening.Schedule) *opening.Plan {
	p, err := opening.Compile(s)
	if err != nil {
		return &opening.Plan{}
	}
	return p
}

// forMode returns the plan for an access mode.
func (p plans) forMode(mode string) *opening.Plan {
	if mode == AccessModePhone {
		return p.phone
	}
	return p.counter
}

// stateAt returns the opening state for an access mode.
func (p plans) stateAt(mode string, moment time.Time) opening.State {
	return p.forMode(mode).StateAt(moment)
}
