package nodeservice

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/pkg/tenant"
)

// Hosted is one tenant of a service that serves several, with what is its own. The service's databases are shared: row
// security keeps the tenants apart, and each tenant's content is sealed with its own key.
type Hosted struct {
	// IdentityDir is the certificate of the service at this tenant.
	IdentityDir string `yaml:"identity_dir"`
	// KEKFile, SecretsFile and SigningKeyFile are the tenant's keys; see Config.
	KEKFile        string `yaml:"kek_file"`
	SecretsFile    string `yaml:"secrets_file"`
	SigningKeyFile string `yaml:"signing_key_file"`
	// NumberPrefix begins the tenant's numbers; empty takes the first letters of the node.
	NumberPrefix string `yaml:"number_prefix"`
}

// tenants returns the tenants that the service serves: those of the file of hosted tenants, or its own.
func (c Config) tenants() (map[tenant.ID]Hosted, error) {
	if c.HostedFile == "" {
		return map[tenant.ID]Hosted{c.Tenant: {
			IdentityDir: c.IdentityDir, KEKFile: c.KEKFile, SecretsFile: c.SecretsFile,
			SigningKeyFile: c.SigningKeyFile, NumberPrefix: c.NumberPrefix,
		}}, nil
	}
	raw, err := os.ReadFile(c.HostedFile)
	if err != nil {
		return nil, fmt.Errorf("hosted tenants: %w", err)
	}
	var file struct {
		Tenants map[string]Hosted `yaml:"tenants"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("hosted tenants: %w", err)
	}
	all, used := map[tenant.ID]Hosted{}, map[string]tenant.ID{}
	for name, h := range file.Tenants {
		t, err := tenant.Parse(name)
		if err != nil || t.IsCentre() {
			return nil, fmt.Errorf("hosted tenants: %q is not a node of a region", name)
		}
		for setting, path := range map[string]string{
			"identity_dir": h.IdentityDir, "kek_file": h.KEKFile, "secrets_file": h.SecretsFile,
			"signing_key_file": h.SigningKeyFile,
		} {
			if path == "" {
				return nil, fmt.Errorf("hosted tenants: %s of %s is missing", setting, t)
			}
			if other, twice := used[path]; twice && other != t {
				return nil, fmt.Errorf("hosted tenants: %s and %s share %s", min(t.String(), other.String()),
					max(t.String(), other.String()), path)
			}
			used[path] = t
		}
		all[t] = h
	}
	if len(all) == 0 {
		return nil, errors.New("hosted tenants: the file names none")
	}
	return all, nil
}

// ForTenant returns the configuration for a command that works on one tenant, which PARI_TENANT names. For a service
// that serves several, the keys and the certificate are those of the tenant in the file of hosted tenants. It calls
// service.Require with settings of the result.
func (c Config) ForTenant(required func(c Config) []service.Setting) (Config, error) {
	if c.Tenant.IsZero() {
		return Config{}, service.Require(append([]service.Setting{{Name: "PARI_TENANT"}}, required(c)...)...)
	}
	if c.HostedFile != "" {
		tenants, err := c.tenants()
		if err != nil {
			return Config{}, err
		}
		h, ok := tenants[c.Tenant]
		if !ok {
			var names []string
			for _, t := range sorted(tenants) {
				names = append(names, t.String())
			}
			return Config{}, fmt.Errorf("PARI_TENANT is %s, which is none of the hosted tenants: %s", c.Tenant,
				strings.Join(names, ", "))
		}
		c.HostedFile, c.IdentityDir, c.KEKFile, c.SecretsFile = "", h.IdentityDir, h.KEKFile, h.SecretsFile
		c.SigningKeyFile, c.NumberPrefix = h.SigningKeyFile, h.NumberPrefix
	}
	return c, service.Require(required(c)...)
}

func (h Hosted) prefix(t tenant.ID) string {
	if h.NumberPrefix != "" {
		return h.NumberPrefix
	}
	return strings.ToUpper(t.Node[:min(3, len(t.Node))])
}

// openIdentities loads the certificate of the service at each tenant. The own one is that of the App.
func openIdentities(a *service.App, tenants map[tenant.ID]Hosted) (map[tenant.ID]*identity.Source, error) {
	identities := map[tenant.ID]*identity.Source{}
	for t, h := range tenants {
		if t == a.Config.Tenant {
			identities[t] = a.Identity
			continue
		}
		source, err := a.LoadIdentity(h.IdentityDir, t)
		if err != nil {
			return nil, err
		}
		identities[t] = source
	}
	return identities, nil
}

func sorted[V any](tenants map[tenant.ID]V) []tenant.ID {
	var all []tenant.ID
	for t := range tenants {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b tenant.ID) int { return strings.Compare(a.String(), b.String()) })
	return all
}
