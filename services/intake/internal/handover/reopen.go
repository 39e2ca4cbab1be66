package handover

import (
	"context"
	"time"

	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/services/intake/internal/report"
	"github.com/retepari/pari/services/intake/internal/store"
)

// Reopen lets reports be handed over again whose case is not among the given ones, after case management was restored
// to an older state than intake. It returns these reports, with the cases that they had; with dryRun nothing is
// changed. A report whose case does exist gets the same one again.
func Reopen(
	ctx context.Context, reports *store.Reports, t tenant.ID, caseByReport map[string]string, dryRun bool,
	now time.Time,
) (lost []store.HandedOver, err error) {
	all, err := reports.ListHandedOver(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if caseByReport[h.ReportID] == h.CaseID {
			continue
		}
		reopened := dryRun
		if !dryRun {
			by := report.Actor{Tenant: t, System: "reopen-handovers"}
			if reopened, err = reports.ReopenHandover(ctx, t, h, by, now); err != nil {
				return lost, err
			}
		}
		if reopened {
			lost = append(lost, h)
		}
	}
	return lost, nil
}
