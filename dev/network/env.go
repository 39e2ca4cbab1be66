package network

import (
	"maps"
	"strings"

	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
)

// Issuer is who signs people's tokens.
func (p *Plan) Issuer() string { return "https://" + p.Addr["issuer"] }

// Env is the environment of a service, the same that an operator would write for it.
func (p *Plan) Env(service string) map[string]string {
	name, at, ofNode := strings.Cut(service, ".")
	n, _ := p.node(at)
	if !ofNode {
		n = Node{Name: identity.Centre, Region: identity.AllRegions}
	}
	env := map[string]string{
		"PARI_REGION": n.Region, "PARI_NODE": n.Name, "PARI_ADDR": p.Addr[service], "PARI_IDENTITY_DIR": p.Identity(service),
		"PARI_GRANTS_FILE": p.path("grants.yaml"), "PARI_OIDC_ISSUER": p.Issuer(), "PARI_OIDC_CA_FILE": p.Authority.CAPath(), "PARI_REFLECTION": "true",
		"PARI_DIRECTORY_ADDR": p.Addr["directory"], "PARI_CENTRE_KEYS_DIR": p.path("public", "centre"),
	}
	server, database := p.CentrePostgres, name
	if ofNode {
		server, database = p.NodePostgres, name+"_"+n.Name
		env["PARI_NUMBER_PREFIX"] = n.Sign
		env["PARI_NATS_URL"] = "tls://" + p.Addr["leaf."+n.Name]
		env["PARI_SIGNING_KEY_FILE"] = p.path("signing", n.Region+"."+n.Name+".key.pem")
		env["PARI_KEK_FILE"] = p.path("secrets", service+".kek")
		env["PARI_SECRETS_FILE"] = p.path("secrets", service+".prf")
		env["PARI_DIRECTORY_ADDR"] = p.Addr["directory."+n.Name]
		env["PARI_KEYS_URL"] = server.URL(pglocal.App, keys(database))
		env["PARI_KEYS_OWNER_URL"] = server.URL(pglocal.Owner, keys(database))
		env["PARI_CASEMANAGEMENT_ADDR"] = p.Addr["casemanagement."+n.Name]
	} else {
		env["PARI_NATS_URL"] = "tls://" + p.Addr["hub"]
		env["PARI_SIGNING_KEY_FILE"] = p.path("signing", "centre.key.pem")
		env["PARI_NODE_KEYS_DIR"] = p.path("public", "nodes")
	}
	env["PARI_DATABASE_URL"] = server.URL(pglocal.App, database)
	env["PARI_DATABASE_OWNER_URL"] = server.URL(pglocal.Owner, database)
	maps.Copy(env, p.Settings)
	return env
}

func keys(database string) string { return database + "_keys" }

// CentreDatabases and NodeDatabases are what the two Postgres servers keep.
func (p *Plan) CentreDatabases() []string { return append([]string{}, centreServices...) }

// NodeDatabases are a copy of the directory, and two per service that keeps what people told: that, sealed, and the keys that
// open it.
func (p *Plan) NodeDatabases() []string {
	var all []string
	for _, n := range p.Nodes {
		all = append(all, "directory_"+n.Name)
		for _, s := range personal {
			all = append(all, s+"_"+n.Name, keys(s+"_"+n.Name))
		}
	}
	return all
}

// HubConfig is the configuration of the hub.
func (p *Plan) HubConfig() (string, error) {
	h := natsconf.Hub{
		TrustDomain: TrustDomain, Listen: p.Addr["hub"], LeafListen: p.Addr["hub.leaves"], StoreDir: p.path("hub"), TLS: natsconf.TLSIn(p.Identity("hub")),
	}
	for _, n := range p.Nodes {
		h.Nodes = append(h.Nodes, natsconf.Node{Region: n.Region, Name: n.Name})
	}
	return h.Config()
}

// LeafConfig is the configuration of the leaf of a node.
func (p *Plan) LeafConfig(n Node) (string, error) {
	return natsconf.Leaf{
		TrustDomain: TrustDomain, Region: n.Region, Node: n.Name, Listen: p.Addr["leaf."+n.Name], HubURL: "tls://" + p.Addr["hub.leaves"],
		TLS: natsconf.TLSIn(p.Identity("leaf." + n.Name)),
	}.Config()
}
