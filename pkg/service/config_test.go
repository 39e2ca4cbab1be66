package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// config is a configuration as a service has it.
type config struct {
	service.Config

	Limit int `env:"LIMIT" envDefault:"7"`
}

// Ensure settings that are left out have the documented defaults.
func TestFromMap_Defaults(t *testing.T) {
	t.Parallel()
	got, err := service.FromMap[config](nil)
	want := config{Config: service.Config{
		Addr: "127.0.0.1:7443", CallsPerSecond: 2000, MaxCertValidity: 90 * 24 * time.Hour,
	}, Limit: 7}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Ensure every setting is read under its name, which begins with PARI_.
func TestFromMap(t *testing.T) {
	t.Parallel()
	got, err := service.FromMap[config](map[string]string{
		"PARI_TENANT": "lombardia/cremona", "PARI_ADDR": ":1", "PARI_OPS_ADDR": ":2", "PARI_IDENTITY_DIR": "/id",
		"PARI_GRANTS_FILE": "/grants", "PARI_ISSUERS_FILE": "/issuers", "PARI_DENY_FILE": "/deny",
		"PARI_MAX_CERT_VALIDITY": "36h", "PARI_CALLS_PER_SECOND": "0.5", "PARI_REFLECTION": "true",
		"PARI_LIMIT": "8", "LIMIT": "9",
	})
	want := config{
		Config: service.Config{
			Tenant: tenant.ID{Region: "lombardia", Node: "cremona"}, Addr: ":1", OpsAddr: ":2", IdentityDir: "/id",
			GrantsFile: "/grants", IssuersFile: "/issuers", DenyFile: "/deny", MaxCertValidity: 36 * time.Hour,
			CallsPerSecond: 0.5, Reflection: true,
		},
		Limit: 8,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestFromMap_RefusesBrokenValues(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"PARI_CALLS_PER_SECOND": "many", "PARI_MAX_CERT_VALIDITY": "90 days", "PARI_TENANT": "cremona",
	} {
		got, err := service.FromMap[config](map[string]string{name: value})
		if err == nil || !strings.HasPrefix(err.Error(), "configuration: ") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if got, err := service.FromMap[config](map[string]string{"PARI_TENANT": "all/cremona"}); err == nil {
		t.Errorf("a node of all regions: got %+v", got)
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv("PARI_LIMIT", "8")
	if got, err := service.FromEnv[config](); err != nil || got.Limit != 8 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Ensure all missing settings are named at once.
func TestRequire(t *testing.T) {
	t.Parallel()
	set := service.Setting{Name: "PARI_A", Value: "a"}
	if err := service.Require(set); err != nil {
		t.Errorf("nothing is missing: %v", err)
	}
	err := service.Require(service.Setting{Name: "PARI_B"}, set, service.Setting{Name: "PARI_C"})
	if err == nil || err.Error() != "PARI_B is not set\nPARI_C is not set" {
		t.Errorf("got %v", err)
	}
}
