package service_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/pkg/service"
)

// Ensure settings come from names that begin with PARI_, with defaults where they have one.
func TestFromMap(t *testing.T) {
	t.Parallel()
	type config struct {
		service.Config

		DatabaseURL string `env:"DATABASE_URL"`
	}
	got, err := service.FromMap[config](map[string]string{
		"PARI_NODE": "cremona", "PARI_DATABASE_URL": "postgres://db", "REGION": "piemonte",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config{DatabaseURL: "postgres://db"}
	want.Node, want.Addr, want.CallsPerSecond = "cremona", "127.0.0.1:7443", 2000
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = service.FromMap[config](map[string]string{"PARI_CALLS_PER_SECOND": "many"})
	if err == nil || !strings.Contains(err.Error(), "CallsPerSecond") {
		t.Errorf("got %v", err)
	}
}

// Ensure all missing settings are named at once.
func TestRequire(t *testing.T) {
	t.Parallel()
	if err := service.Require(service.Setting{Name: "PARI_NODE", Value: "cremona"}); err != nil {
		t.Error(err)
	}
	err := service.Require(
		service.Setting{Name: "PARI_NODE"}, service.Setting{Name: "PARI_ADDR", Value: "x"},
		service.Setting{Name: "PARI_REGION"})
	if err == nil || err.Error() != "PARI_NODE is not set\nPARI_REGION is not set" {
		t.Errorf("got %v", err)
	}
}
