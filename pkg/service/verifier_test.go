package service

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/retepari/pari/pkg/identity"
)

// Ensure an issuer with a private authority is reached through OIDCCAFile and not without it.
func TestConfig_Verifier(t *testing.T) {
	t.Parallel()
	var issuer *httptest.Server
	issuer = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer": "` + issuer.URL + `", "jwks_uri": "` + issuer.URL + `/keys"}`))
	}))
	t.Cleanup(issuer.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	for caFile, want := range map[string]error{ca: identity.ErrToken, "": identity.ErrIssuer} {
		v, err := Config{OIDCIssuer: issuer.URL, OIDCCAFile: caFile}.verifier()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), "abc"); !errors.Is(err, want) {
			t.Errorf("authority %q: got %v, want %v", caFile, err, want)
		}
	}
}

// Ensure no issuer means no verifier, and an authority that cannot be read is an error at the start.
func TestConfig_VerifierWithoutIssuer(t *testing.T) {
	t.Parallel()
	if v, err := (Config{OIDCCAFile: "missing"}).verifier(); v != nil || err != nil {
		t.Errorf("without an issuer: got %v, %v", v, err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, filepath.Join(t.TempDir(), "missing")} {
		v, err := Config{OIDCIssuer: "https://issuer.test", OIDCCAFile: file}.verifier()
		if v != nil || err == nil || !strings.Contains(err.Error(), "authority of the token issuer") {
			t.Errorf("%s: got %v, %v", file, v, err)
		}
	}
}
