package fact

import "fmt"

// Report is the fact of one report.
type Report struct {
	Seq          int64 // number of the last event applied; 0: none
	Month        Month // received
	Channel      string
	ReporterRole string
	Anonymous    bool
}

// ReportCounted is the event of a node that received a report. A later one of the same report replaces it.
type ReportCounted struct {
	Month        Month
	Channel      string
	ReporterRole string
	Anonymous    bool
}

// Apply returns the fact after event number seq. The zero Report is the state before the first event. It returns
// ErrOrder, ErrInvalid or ErrCode, and then the fact unchanged.
func (r Report) Apply(seq int64, e ReportCounted, codes Codes) (Report, error) {
	if seq != r.Seq+1 {
		return r, ErrOrder
	}
	if !e.Month.valid() {
		return r, fmt.Errorf("month: %w", ErrInvalid)
	}
	if err := codes.require("channel", e.Channel); err != nil {
		return r, err
	}
	if err := codes.require("reporter_role", e.ReporterRole); err != nil {
		return r, err
	}
	return Report{
		Seq: seq, Month: e.Month, Channel: e.Channel, ReporterRole: e.ReporterRole, Anonymous: e.Anonymous,
	}, nil
}

// Withdraw returns the fact of a report that counts no more, after event number seq.
func (r Report) Withdraw(seq int64) (Report, error) {
	if seq != r.Seq+1 || !r.Counted() {
		return r, ErrOrder
	}
	return Report{Seq: seq}, nil
}

// Counted reports whether the report counts: it was received and not withdrawn.
func (r Report) Counted() bool { return r.Month.Known() }
