package network

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/retepari/pari/dev/testkit/devkeys"
	"github.com/retepari/pari/dev/testkit/devpki"
	"github.com/retepari/pari/dev/testkit/loopback"
	"github.com/retepari/pari/dev/testkit/pglocal"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// TrustDomain of every certificate of a development network.
const TrustDomain = "pari.test"

// With Options.DefaultPorts the parts of the centre get the ports after centrePort, and those of each node the ports
// after nodePort, portsPerNode apart.
const (
	centrePort   = 7400
	nodePort     = 7410
	portsPerNode = 10
)

// Node is a municipality.
type Node struct {
	// Name names its parts, for instance intake.cremona. It is unique in the network, also where two nodes are
	// homonyms.
	Name string
	// Tenant is what its certificates and tokens say.
	Tenant tenant.ID
	// NumberPrefix begins the numbers of its reports and cases.
	NumberPrefix string
	// Hosted nodes have no machines of their own: the centre runs one process of each personal service for all of them.
	Hosted bool
}

// DefaultNodes returns the nodes of the development network.
func DefaultNodes() []Node {
	return []Node{
		{"cremona", tenant.ID{Region: "lombardia", Node: "cremona"}, "CR", false},
		{"cuneo", tenant.ID{Region: "piemonte", Node: "cuneo"}, "CN", false},
		{"milano", tenant.ID{Region: "lombardia", Node: "milano"}, "MI", false},
	}
}

// Regions returns the sorted regions of the default nodes.
func Regions() []string {
	var all []string
	for _, n := range DefaultNodes() {
		all = append(all, n.Tenant.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Services of a node, and of the centre. Personal services store sealed content and send events. The directory of a
// node is a replica.
var (
	personalServices = []string{"intake", "casemanagement"}
	nodeServices     = []string{"directory", "intake", "casemanagement"}
	centreServices   = []string{"directory", "reporting"}
)

// Plan holds the files, addresses and configuration of a network, whether its parts run in one process or in several.
type Plan struct {
	Dir   string
	Nodes []Node
	// Addr is host:port of each service ("directory", "intake.cremona"), of the hub ("hub", "hub.leaves"), of each leaf
	// ("leaf.cremona"), and of the OpenID provider ("issuer").
	Addr map[string]string
	// NodePostgres holds the databases of the nodes, CentrePostgres those of the centre; they may be the same server.
	NodePostgres, CentrePostgres *pglocal.Server
	// Authority issues the certificates.
	Authority *devpki.Authority
	// Settings are environment variables that every service gets. They override the service's own.
	Settings map[string]string
}

// NewPlan creates certificates, keys and grants below dir, unless they exist, and chooses addresses on loopback. With
// defaultPorts it prefers the ports from 7400 on; a port that is in use is replaced by a free one.
func NewPlan(ctx context.Context, dir string, nodes []Node, defaultPorts bool) (*Plan, error) {
	p := &Plan{Dir: dir, Nodes: nodes, Addr: map[string]string{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	var err error
	if p.Authority, err = devpki.Open(filepath.Join(dir, "authority")); err != nil {
		return nil, err
	}
	for name, id := range p.identities() {
		if err := p.Authority.Issue(id, p.IdentityDir(name)); err != nil {
			return nil, err
		}
	}
	if err := p.createKeys(); err != nil {
		return nil, err
	}
	if err := p.assignAddresses(ctx, defaultPorts); err != nil {
		return nil, err
	}
	if err := p.createHosted(); err != nil {
		return nil, err
	}
	return p, p.createSignIn()
}

// identities returns the identity of each part, by the name of its folder.
func (p *Plan) identities() map[string]identity.ID {
	centre := func(kind, name string) identity.ID {
		return identity.ID{TrustDomain: TrustDomain, Tenant: tenant.Centre, Kind: kind, Name: name}
	}
	ids := map[string]identity.ID{
		"hub":            natsconf.HubID(TrustDomain),
		"monitor":        centre(identity.KindOps, "monitor"),
		"issuer":         centre(identity.KindService, "issuer"),
		"console.centre": centre(identity.KindSystem, "console"),
	}
	for _, s := range centreServices {
		ids[s] = centre(identity.KindService, s)
	}
	for _, s := range personalServices {
		ids[s+"."+host] = centre(identity.KindService, s)
	}
	for _, n := range p.Nodes {
		node := func(kind, name string) identity.ID {
			return identity.ID{TrustDomain: TrustDomain, Tenant: n.Tenant, Kind: kind, Name: name}
		}
		ids["leaf."+n.Name] = natsconf.LeafID(TrustDomain, n.Tenant)
		for _, s := range nodeServices {
			ids[s+"."+n.Name] = node(identity.KindService, s)
		}
		ids["console."+n.Name] = node(identity.KindSystem, "console")
		ids["protocollo."+n.Name] = node(identity.KindSystem, "protocollo")
	}
	return ids
}

// IdentityDir returns the folder with the certificate and the key of a part, such as "intake.cremona".
func (p *Plan) IdentityDir(name string) string { return filepath.Join(p.Dir, "identities", name) }

// createKeys creates the signing keys, the secrets of personal services, and the grants of systems.
func (p *Plan) createKeys() error {
	if _, err := devpki.CreateSigningKey("centre", p.path("signing"), p.path("public", "centre")); err != nil {
		return err
	}
	if err := p.copyCentreKey(); err != nil {
		return err
	}
	grants := ""
	for _, n := range p.Nodes {
		_, err := devpki.CreateSigningKey(bus.Owner(n.Tenant), p.path("signing"), p.path("public", "nodes"))
		if err != nil {
			return err
		}
		if err := p.createSecrets(n); err != nil {
			return err
		}
		grants += p.identities()["protocollo."+n.Name].String() + ": [submitter]\n"
	}
	if err := os.WriteFile(p.path("grants.yaml"), []byte(grants), 0o600); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

// createSecrets creates the key-encryption keys and the other secrets of a node's personal services, unless they exist.
func (p *Plan) createSecrets(n Node) error {
	if err := os.MkdirAll(p.path("secrets"), 0o700); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	createBySuffix := map[string]func(string) error{".kek": devkeys.CreateKEK, ".prf": devkeys.CreateSecrets}
	for _, s := range personalServices {
		for suffix, create := range createBySuffix {
			path := p.path("secrets", s+"."+n.Name+suffix)
			if _, err := os.Stat(path); err == nil {
				continue
			}
			if err := create(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyCentreKey registers the centre's public key as that of a node "centre" in every region, because the directory of
// the centre sends one partition of events per region. Regions without a node of this network have entries too.
func (p *Plan) copyCentreKey() error {
	public, err := os.ReadFile(p.path("public", "centre", bus.CentreOwner+".pem"))
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := os.MkdirAll(p.path("public", "nodes"), 0o700); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	regions := Regions()
	for _, n := range p.Nodes {
		regions = append(regions, n.Tenant.Region)
	}
	for _, region := range regions {
		path := p.path("public", "nodes", region+"."+tenant.CentreNode+".pem")
		if err := os.WriteFile(path, public, 0o600); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}

func (p *Plan) path(elements ...string) string {
	return filepath.Join(append([]string{p.Dir}, elements...)...)
}

func (p *Plan) assignAddresses(ctx context.Context, defaultPorts bool) error {
	assign := func(firstPort int, names ...string) error {
		for i, name := range names {
			preferred := 0
			if defaultPorts {
				preferred = firstPort + i
			}
			addr, err := loopback.Addr(ctx, preferred)
			if err != nil {
				return err
			}
			p.Addr[name] = addr
		}
		return nil
	}
	if err := assign(centrePort+1, append([]string{"issuer", "hub", "hub.leaves"}, centreServices...)...); err != nil {
		return err
	}
	for i, n := range p.Nodes {
		var names []string
		for _, s := range append([]string{"leaf"}, append(personalServices, "directory")...) {
			names = append(names, s+"."+n.Name)
		}
		if n.Hosted {
			continue
		}
		if err := assign(nodePort+1+i*portsPerNode, names...); err != nil {
			return err
		}
	}
	if len(p.hosted()) == 0 {
		return nil
	}
	for _, s := range personalServices {
		if err := assign(0, s+"."+host); err != nil {
			return err
		}
		for _, n := range p.hosted() {
			p.Addr[s+"."+n.Name] = p.Addr[s+"."+host]
		}
	}
	return nil
}

// Services returns the names of all services, those of the centre first.
func (p *Plan) Services() []string {
	all := append([]string{}, centreServices...)
	for _, n := range p.Nodes {
		for _, s := range nodeServices {
			if !n.Hosted {
				all = append(all, s+"."+n.Name)
			}
		}
	}
	if len(p.hosted()) > 0 {
		for _, s := range personalServices {
			all = append(all, s+"."+host)
		}
	}
	return all
}

func (p *Plan) node(name string) (Node, bool) {
	i := slices.IndexFunc(p.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return p.Nodes[i], true
}
