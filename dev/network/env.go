package network

import (
	"maps"
	"strings"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Issuer is the URL of the network's OpenID provider.
func (p *Plan) Issuer() string { return "https://" + p.Addr["issuer"] }

// Env returns the environment of a service, as an operator would write it.
func (p *Plan) Env(service string) map[string]string {
	name, nodeName, ofNode := strings.Cut(service, ".")
	n, _ := p.node(nodeName)
	if !ofNode {
		n = Node{Name: "centre", Tenant: tenant.Centre}
	}
	env := map[string]string{
		"PARI_TENANT": n.Tenant.String(), "PARI_ADDR": p.Addr[service],
		"PARI_IDENTITY_DIR": p.IdentityDir(service), "PARI_GRANTS_FILE": p.path("grants.yaml"),
		"PARI_ISSUERS_FILE": p.path("issuers.yaml"), "PARI_DENY_FILE": p.path("denied.yaml"), "PARI_REFLECTION": "true",
		"PARI_CENTRE_KEYS_DIR": p.path("public", "centre"),
	}
	server, database := p.CentrePostgres, name
	switch {
	case nodeName == host:
		database = name + "_" + host
		maps.Copy(env, p.hostEnv(name, database))
	case ofNode:
		server, database = p.NodePostgres, name+"_"+n.Name
		maps.Copy(env, p.nodeEnv(service, database, n))
	default:
		env["PARI_NATS_URL"] = "tls://" + p.Addr["hub"]
		env["PARI_SIGNING_KEY_FILE"] = p.path("signing", "centre.key.pem")
		env["PARI_NODE_KEYS_DIR"] = p.path("public", "nodes")
		env["PARI_DIRECTORY_ADDR"], env["PARI_REPORTING_ADDR"] = p.Addr["directory"], p.Addr["reporting"]
	}
	env["PARI_DATABASE_URL"] = server.URL(pglocal.App, database)
	env["PARI_DATABASE_OWNER_URL"] = server.URL(pglocal.Owner, database)
	maps.Copy(env, p.Settings)
	return env
}

// nodeEnv returns the variables that only services of a node have.
func (p *Plan) nodeEnv(service, database string, n Node) map[string]string {
	return map[string]string{
		"PARI_NUMBER_PREFIX":       n.NumberPrefix,
		"PARI_CLOSE_DAY_EVERY":     closeDayEvery,
		"PARI_NATS_URL":            "tls://" + p.Addr["leaf."+n.Name],
		"PARI_SIGNING_KEY_FILE":    p.path("signing", bus.Owner(n.Tenant)+".key.pem"),
		"PARI_KEK_FILE":            p.path("secrets", service+".kek"),
		"PARI_SECRETS_FILE":        p.path("secrets", service+".prf"),
		"PARI_DIRECTORY_ADDR":      p.Addr["directory."+n.Name],
		"PARI_KEYS_URL":            p.NodePostgres.URL(pglocal.App, keysDatabase(database)),
		"PARI_KEYS_OWNER_URL":      p.NodePostgres.URL(pglocal.Owner, keysDatabase(database)),
		"PARI_CASEMANAGEMENT_ADDR": p.Addr["casemanagement."+n.Name],
		"PARI_REPORTING_ADDR":      p.Addr["reporting"],
	}
}

// closeDayEvery is how often the day closes in a development network: nobody waits until midnight to see a count.
const closeDayEvery = "1s"

// keysDatabase names the database with the data keys of the sealed content in database.
func keysDatabase(database string) string { return database + "_keys" }

// CentreDatabases names the databases of the centre.
func (p *Plan) CentreDatabases() []string {
	all := append([]string{}, centreServices...)
	if len(p.hosted()) > 0 {
		for _, s := range personalServices {
			all = append(all, s+"_"+host, keysDatabase(s+"_"+host))
		}
	}
	return all
}

// NodeDatabases names the databases of all nodes: a replica of the directory, and for each personal service a database
// and one for its keys.
func (p *Plan) NodeDatabases() []string {
	var all []string
	for _, n := range p.Nodes {
		if n.Hosted {
			continue
		}
		all = append(all, "directory_"+n.Name)
		for _, s := range personalServices {
			all = append(all, s+"_"+n.Name, keysDatabase(s+"_"+n.Name))
		}
	}
	return all
}

// HubConfig returns the configuration of the NATS hub.
func (p *Plan) HubConfig() (string, error) {
	denied, err := identity.LoadDeniedIDs(p.path("denied.yaml"))
	if err != nil {
		return "", err
	}
	h := natsconf.Hub{
		TrustDomain: TrustDomain, Listen: p.Addr["hub"], LeafListen: p.Addr["hub.leaves"], StoreDir: p.path("hub"),
		TLS: natsconf.TLSIn(p.IdentityDir("hub")), Denied: denied,
	}
	for _, n := range p.Nodes {
		node := natsconf.Node{Tenant: n.Tenant}
		if n.Hosted {
			node.Hosted = personalServices
		}
		h.Nodes = append(h.Nodes, node)
	}
	return h.Config()
}

// LeafConfig returns the configuration of the NATS leaf of a node.
func (p *Plan) LeafConfig(n Node) (string, error) {
	denied, err := identity.LoadDeniedIDs(p.path("denied.yaml"))
	if err != nil {
		return "", err
	}
	return natsconf.Leaf{
		TrustDomain: TrustDomain, Tenant: n.Tenant, Listen: p.Addr["leaf."+n.Name],
		HubURL: "tls://" + p.Addr["hub.leaves"], TLS: natsconf.TLSIn(p.IdentityDir("leaf." + n.Name)),
		Denied: denied,
	}.Config()
}
