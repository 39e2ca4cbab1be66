package handover

import (
	"context"

	"github.com/retepari/pari/pkg/tenant"
)

const BatchSize = batchSize

// RetryPending tries the pending hand-overs that are due once.
func RetryPending(w *Worker, t tenant.ID) { w.retryPending(context.Background(), t) }
