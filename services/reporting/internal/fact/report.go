package fact

import "fmt"

// Report is what the centre knows of one report.
type Report struct {
	Seq          int64 // number of the last event applied, from 1
	Month        Month // received
	Channel      string
	ReporterRole string
	Anonymous    bool
}

// ReportCounted tells that a node received a report. A later one about the same report replaces it.
type ReportCounted struct {
	Month        Month
	Channel      string
	ReporterRole string
	Anonymous    bool
}

// Apply returns the fact after event number seq; the zero Report is one not heard of yet. It returns ErrOrder, ErrInvalid
// or ErrCode, and then the event has no effect.
func (r Report) Apply(seq int64, e ReportCounted, codes Codes) (Report, error) {
	if seq != r.Seq+1 {
		return r, ErrOrder
	}
	if !e.Month.valid() {
		return r, fmt.Errorf("month: %w", ErrInvalid)
	}
	if err := codes.known("channel", e.Channel); err != nil {
		return r, err
	}
	if err := codes.known("reporter_role", e.ReporterRole); err != nil {
		return r, err
	}
	return Report{Seq: seq, Month: e.Month, Channel: e.Channel, ReporterRole: e.ReporterRole, Anonymous: e.Anonymous}, nil
}
