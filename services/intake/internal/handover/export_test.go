package handover

import (
	"context"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
)

const BatchSize = batchSize

// Classify is classify, and Answer is the error of Complete when case management answers err.
var (
	Classify = classify
	Answer   = func(err error) error { return fault.New(fault.Unavailable).WithCause(&openCaseError{err}) }
)

// RetryPending tries the pending hand-overs that are due once.
func RetryPending(w *Worker, t tenant.ID) { w.retryPending(context.Background(), t) }
