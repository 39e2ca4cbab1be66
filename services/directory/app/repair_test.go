package app_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/directory/app"
)

// Ensure repair-feed refuses a copy, names missing settings, and says that there is nothing to keep.
func TestRepairFeed_Refuses(t *testing.T) {
	t.Parallel()
	db := newLoadedDB(t)
	owner, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close(t.Context()) }()
	for _, sql := range []string{
		`set app.tenant = 'lombardia/centre'`,
		`insert into published_contribution (region, aggregate) values ('lombardia', 'initiative.a')`,
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	keep := ownerConfig(db.OwnerURL)
	keep.SigningKeyFile, keep.IdentityDir = "key.pem", "identity"
	keep.ReportingAddr, keep.Repair = "127.0.0.1:1", "keep"
	for want, c := range map[string]app.Config{
		"the directory of a node is a copy":  {Config: service.Config{Tenant: cremona}, DatabaseOwnerURL: db.OwnerURL},
		"PARI_DATABASE_OWNER_URL is not set": ownerConfig(""),
		"region lombardia: PARI_SIGNING_KEY_FILE is not set\nPARI_IDENTITY_DIR is not set\n" +
			"PARI_REPORTING_ADDR is not set": ownerConfig(db.OwnerURL),
		`region lombardia: PARI_REPAIR takes apply, not "keep"`: keep,
	} {
		if err := app.RepairFeed(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
