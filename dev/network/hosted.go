package network

import (
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/nodeservice"
	"github.com/retepari/pari/pkg/tenant"
)

// host names the parts that serve the hosted nodes, for instance intake.host: one process of each personal service, on
// the centre's machines.
const host = "host"

// hosted returns the nodes that the centre hosts.
func (p *Plan) hosted() []Node {
	return slices.DeleteFunc(slices.Clone(p.Nodes), func(n Node) bool { return !n.Hosted })
}

// createHosted writes the file of hosted tenants of each personal service.
func (p *Plan) createHosted() error {
	for _, s := range personalServices {
		tenants := map[string]nodeservice.Hosted{}
		for _, n := range p.hosted() {
			name := s + "." + n.Name
			tenants[n.Tenant.String()] = nodeservice.Hosted{
				IdentityDir: p.IdentityDir(name), KEKFile: p.path("secrets", name+".kek"),
				SecretsFile:    p.path("secrets", name+".prf"),
				SigningKeyFile: p.path("signing", bus.Owner(n.Tenant)+".key.pem"), NumberPrefix: n.NumberPrefix,
			}
		}
		raw, err := yaml.Marshal(map[string]any{"tenants": tenants})
		if err == nil {
			err = os.WriteFile(p.path("hosted."+s+".yaml"), raw, 0o600)
		}
		if err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}

// hostEnv returns the variables that only the services of hosted nodes have.
func (p *Plan) hostEnv(service, database string) map[string]string {
	return map[string]string{
		"PARI_TENANT":              tenant.Centre.String(),
		"PARI_HOSTED_FILE":         p.path("hosted." + service + ".yaml"),
		"PARI_CLOSE_DAY_EVERY":     closeDayEvery,
		"PARI_NATS_URL":            "tls://" + p.Addr["hub"],
		"PARI_DIRECTORY_ADDR":      p.Addr["directory"],
		"PARI_KEYS_URL":            p.CentrePostgres.URL(pglocal.App, keysDatabase(database)),
		"PARI_KEYS_OWNER_URL":      p.CentrePostgres.URL(pglocal.Owner, keysDatabase(database)),
		"PARI_CASEMANAGEMENT_ADDR": p.Addr["casemanagement."+host],
		"PARI_REPORTING_ADDR":      p.Addr["reporting"],
	}
}
