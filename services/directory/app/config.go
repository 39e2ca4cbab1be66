package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/telemetry"
)

// Config of the directory. In the environment every name begins with PARI_.
type Config struct {
	// Region and Node are what the service runs for: the centre.
	Region string `env:"REGION" envDefault:"all"`
	Node   string `env:"NODE" envDefault:"centre"`
	// Addr takes calls, OpsAddr probes and scrapes; an empty OpsAddr takes none.
	Addr    string `env:"ADDR" envDefault:"127.0.0.1:7401"`
	OpsAddr string `env:"OPS_ADDR"`
	// DatabaseURL is for serving, DatabaseOwnerURL for migrating and loading.
	DatabaseURL      string `env:"DATABASE_URL"`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL"`
	// IdentityDir holds cert.pem, key.pem and ca.pem.
	IdentityDir string `env:"IDENTITY_DIR"`
	// GrantsFile gives roles to systems; everything here is public, so that it may stay empty.
	GrantsFile string `env:"GRANTS_FILE"`
	// OIDCIssuer is who signs people's tokens, OIDCCAFile the authority of its certificate where that is not a public one.
	// Without an issuer every token is refused.
	OIDCIssuer string `env:"OIDC_ISSUER"`
	OIDCCAFile string `env:"OIDC_CA_FILE"`
	// Reflection lets tools read the contract from the server.
	Reflection bool `env:"REFLECTION"`

	// Listener takes the calls instead of Addr, when it is set.
	Listener net.Listener `env:"-"`
	// Telemetry is that of the process; without it Run starts its own.
	Telemetry *telemetry.Telemetry `env:"-"`
	// Ready is called once, when calls are about to be taken.
	Ready func() `env:"-"`
}

// FromEnv reads the configuration from the environment.
func FromEnv() (Config, error) {
	c, err := env.ParseAsWithOptions[Config](env.Options{Prefix: "PARI_"})
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// setting is a value that something cannot do without, under its name in the environment.
type setting struct{ name, value string }

// need names all settings that are missing.
func need(settings ...setting) error {
	var missing []error
	for _, s := range settings {
		if s.value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", s.name))
		}
	}
	return errors.Join(missing...)
}

// verifier checks people's tokens; it is nil, which refuses them, without an issuer.
func (c Config) verifier() (*identity.Verifier, error) {
	if c.OIDCIssuer == "" {
		return nil, nil
	}
	if c.OIDCCAFile == "" {
		return identity.NewVerifier(c.OIDCIssuer, nil), nil
	}
	pem, err := os.ReadFile(c.OIDCCAFile)
	if err != nil {
		return nil, fmt.Errorf("authority of the token issuer: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("authority of the token issuer: the file holds no certificate")
	}
	return identity.NewVerifier(c.OIDCIssuer, &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}},
	}), nil
}
