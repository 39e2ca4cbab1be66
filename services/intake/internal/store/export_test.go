package store

import (
	"context"

	"github.com/retepari/pari/pkg/outbox"
)

// Statements are those whose plans the tests read.
var Statements = map[string]string{
	"select reports": selectReports, "select report by number": selectReportByNumber,
	"select pending handovers": selectPendingHandovers,
	"select handover":          selectHandover, "select history": selectHistory,
}

// SubmitAll stores submissions as one group, as concurrent calls of Submit do.
func (s *Reports) SubmitAll(ctx context.Context, subs []Submission) error {
	prepared := make([]preparedSubmission, len(subs))
	for i, sub := range subs {
		event, err := outbox.Prepare(ctx, sub.Event)
		if err != nil {
			return err
		}
		prepared[i] = preparedSubmission{sub, event}
	}
	return s.insertAll(ctx, prepared)
}
