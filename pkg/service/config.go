// Package service builds the processes of Pari: configuration from the environment, identity, logs, metrics and probes,
// connections that close in order, and the gRPC server with its interceptors. A service adds its own databases, loops
// and handlers.
//
// It promises that parts stop in the reverse order of being added, and that a missing setting is named with all others
// that are missing. Run starts one goroutine per part and returns when all have ended.
package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/retepari/pari/pkg/telemetry"
	"github.com/retepari/pari/pkg/tenant"
)

// Config holds the settings of every service; embed it. In the environment each name begins with PARI_.
type Config struct {
	// Tenant is whose service this is, for instance lombardia/cremona; that of the centre is all/centre.
	Tenant tenant.ID `env:"TENANT"`
	// Addr is where gRPC listens, OpsAddr where probes and metrics do; an empty OpsAddr serves none.
	Addr    string `env:"ADDR" envDefault:"127.0.0.1:7443"`
	OpsAddr string `env:"OPS_ADDR"`
	// IdentityDir holds cert.pem, key.pem and ca.pem.
	IdentityDir string `env:"IDENTITY_DIR"`
	// GrantsFile gives roles to systems; without it they have none. IssuersFile lists the issuers of people's access
	// tokens and what their groups grant; without it every token is refused. DenyFile lists identities and certificates
	// that are refused although they are valid. A change of these files takes effect within seconds.
	GrantsFile  string `env:"GRANTS_FILE"`
	IssuersFile string `env:"ISSUERS_FILE"`
	DenyFile    string `env:"DENY_FILE"`
	// MaxCertValidity refuses certificates that are valid for longer.
	MaxCertValidity time.Duration `env:"MAX_CERT_VALIDITY" envDefault:"2160h"`
	// DrainDelay is how long a service that stops still takes new calls: as long as load balancers need to notice.
	DrainDelay time.Duration `env:"DRAIN_DELAY"`
	// CallsPerSecond limits what the calls of one program weigh, on average; a person may call a quarter as much.
	CallsPerSecond float64 `env:"CALLS_PER_SECOND" envDefault:"2000"`
	// Reflection lets tools read the contract from the server.
	Reflection bool `env:"REFLECTION"`

	// Listener replaces Addr when it is set.
	Listener net.Listener `env:"-"`
	// Telemetry is shared by the services of one process; without it Run starts its own.
	Telemetry *telemetry.Telemetry `env:"-"`
	// Ready is called once, just before the first call is taken.
	Ready func() `env:"-"`
}

// FromEnv reads a configuration that embeds Config.
func FromEnv[C any]() (C, error) {
	return FromMap[C](env.ToMap(os.Environ()))
}

// FromMap is FromEnv for a given environment, for programs that run several services in one process.
func FromMap[C any](environment map[string]string) (C, error) {
	c, err := env.ParseAsWithOptions[C](env.Options{Prefix: "PARI_", Environment: environment})
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// Setting is a setting by its name in the environment.
type Setting struct{ Name, Value string }

// tenant is the setting that every service needs.
func (c Config) tenant() Setting {
	if c.Tenant.IsZero() {
		return Setting{Name: "PARI_TENANT"}
	}
	return Setting{"PARI_TENANT", c.Tenant.String()}
}

// Require returns an error that names every setting without a value.
func Require(settings ...Setting) error {
	var missing []error
	for _, s := range settings {
		if s.Value == "" {
			missing = append(missing, fmt.Errorf("%s is not set", s.Name))
		}
	}
	return errors.Join(missing...)
}
