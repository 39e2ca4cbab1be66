package store_test

import (
	"strings"
	"testing"

	"github.com/retepari/pari/dev/testkit/pgtest"
)

// Ensure the role of the service can neither rewrite nor delete history, nor bypass a decision.
func TestMigrate_LimitsTheService(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	pool := db.Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.AppendOnly(t, pool, "proposal_entry")
	for _, statement := range []string{
		`update entry set id = 'x'`,
		`update entry set content = '{}'`,
		`delete from entry`,
		`truncate entry`,
		`drop policy public_read on entry`,
		`update vocabulary set terms = '[]'`,
		`delete from vocabulary`,
		`insert into vocabulary select * from vocabulary`,
		`insert into directory_state (revision, updated_at) values (9, now())`,
		`update proposal set proposer_person = 'x'`,
		`delete from proposal`,
		`update proposal_entry set content = '{}'`,
		`delete from proposal_entry`,
		`insert into proposal
			(proposal_id, state, reason, proposer_person, proposer_tenant, proposer_system, proposed_at, decided_at)
			values (gen_random_uuid(), 'SCHEDULED', '', '', '', '', now(), now())`,
		`with t as (select set_config('app.tenant', 'piemonte/centre', false) as tenant)
			insert into published_contribution (region, aggregate) select 'lombardia', tenant from t`,
		`delete from published_contribution`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%q by the runtime role: %v, want it refused", statement, err)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	pgtest.PrepareStatements(t, newCentre(t).Pool(t))
}
