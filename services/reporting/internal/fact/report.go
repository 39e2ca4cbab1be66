package fact

import "fmt"

// Report is the fact of one report.
type Report struct {
	Seq          int64 // number of the last event applied; 0: none
	Month        Month // received
	Channel      string
	ReporterRole string
	Anonymous    bool
	// Withdrawn is true of what a node counted and is no report. All fields above but Seq are then empty.
	Withdrawn bool
}

// ReportEvent is one of ReportCounted, ReportCorrected and ReportWithdrawn.
type ReportEvent interface {
	apply(Report, Codes) (Report, error)
}

// ReportCounted is the event of a node that received a report. A later one of the same report replaces it.
type ReportCounted struct {
	Month        Month
	Channel      string
	ReporterRole string
	Anonymous    bool
}

// ReportCorrected is the event of a node that counted a report under wrong codes.
type ReportCorrected ReportCounted

// ReportWithdrawn is the event of a node that counted what is no report. No event follows it.
type ReportWithdrawn struct{}

// Apply returns the fact after event number seq. The zero Report is the state before the first event. It returns
// ErrOrder, ErrInvalid or ErrCode, and then the fact unchanged.
func (r Report) Apply(seq int64, e ReportEvent, codes Codes) (Report, error) {
	if seq != r.Seq+1 {
		return r, ErrOrder
	}
	if _, ok := e.(ReportCounted); !ok && r.Seq == 0 {
		return r, ErrOrder
	}
	if r.Withdrawn {
		return r, fmt.Errorf("the report is withdrawn: %w", ErrInvalid)
	}
	next, err := e.apply(r, codes)
	if err != nil {
		return r, err
	}
	next.Seq = seq
	return next, nil
}

// Counted reports whether the report counts.
func (r Report) Counted() bool { return r.Seq > 0 && !r.Withdrawn }

func (e ReportCounted) apply(r Report, codes Codes) (Report, error) {
	if !e.Month.valid() {
		return r, fmt.Errorf("month: %w", ErrInvalid)
	}
	if err := codes.require("channel", e.Channel); err != nil {
		return r, err
	}
	if err := codes.require("reporter_role", e.ReporterRole); err != nil {
		return r, err
	}
	return Report{Month: e.Month, Channel: e.Channel, ReporterRole: e.ReporterRole, Anonymous: e.Anonymous}, nil
}

func (e ReportCorrected) apply(r Report, codes Codes) (Report, error) {
	return ReportCounted(e).apply(r, codes)
}

func (ReportWithdrawn) apply(Report, Codes) (Report, error) { return Report{Withdrawn: true}, nil }
