// Package service is the frame that every service of Pari stands in: configuration from the environment, identity, logs and
// probes, connections that close in order, and the gRPC server with its chain. What a service adds is its own: databases,
// loops, handlers.
package service

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

// Config is what every service reads from the environment; embed it. In the environment each name begins with PARI_.
type Config struct {
	// Region and Node are what the service runs for; the centre's are "all" and "centre".
	Region string `env:"REGION"`
	Node   string `env:"NODE"`
	// Addr takes calls, OpsAddr probes and scrapes; an empty OpsAddr takes none.
	Addr    string `env:"ADDR" envDefault:"127.0.0.1:7443"`
	OpsAddr string `env:"OPS_ADDR"`
	// IdentityDir holds cert.pem, key.pem and ca.pem.
	IdentityDir string `env:"IDENTITY_DIR"`
	// GrantsFile gives roles to systems; without it they have none.
	GrantsFile string `env:"GRANTS_FILE"`
	// OIDCIssuer is who signs people's tokens, OIDCCAFile the authority of its certificate where that is not a public one.
	// Without an issuer every token is refused.
	OIDCIssuer string `env:"OIDC_ISSUER"`
	OIDCCAFile string `env:"OIDC_CA_FILE"`
	// CallsPerSecond is how many calls one caller may make per second, on average.
	CallsPerSecond float64 `env:"CALLS_PER_SECOND" envDefault:"2000"`
	// Reflection lets tools read the contract from the server.
	Reflection bool `env:"REFLECTION"`

	// Listener takes the calls instead of Addr, when it is set.
	Listener net.Listener `env:"-"`
	// Telemetry is that of the process; without it Run starts its own.
	Telemetry *telemetry.Telemetry `env:"-"`
	// Ready is called once, when calls are about to be taken.
	Ready func() `env:"-"`
}

// FromEnv reads a configuration that embeds Config.
func FromEnv[C any]() (C, error) {
	return FromMap[C](env.ToMap(os.Environ()))
}

// FromMap is FromEnv for an environment that is given: programs that run services in process say it as operators do.
func FromMap[C any](environment map[string]string) (C, error) {
	c, err := env.ParseAsWithOptions[C](env.Options{Prefix: "PARI_", Environment: environment})
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// Setting is a value that something cannot do without, under its name in the environment.
type Setting struct{ Name, Value string }

// Need names all settings that are missing, at once.
func Need(settings ...Setting) error {
	var missing []error
	for _, s := range settings {
		if s.Value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", s.Name))
		}
	}
	return errors.Join(missing...)
}

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
