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
)

// TrustDomain of every certificate of a development network.
const TrustDomain = "pari.test"

// Node is a municipality.
type Node struct{ Name, Region, Sign string }

// All are the nodes of the development network.
func All() []Node {
	return []Node{{"cremona", "lombardia", "CR"}, {"cuneo", "piemonte", "CN"}, {"milano", "lombardia", "MI"}}
}

// Regions are those of the development network, in order.
func Regions() []string {
	var all []string
	for _, n := range All() {
		all = append(all, n.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Services of a node, and of the centre. Two of a node keep what people told and send events; its directory is a copy.
var (
	personal       = []string{"intake", "casemanagement"}
	nodeServices   = []string{"directory", "intake", "casemanagement"}
	centreServices = []string{"directory", "reporting"}
)

// Plan says where everything of a network lies and how it is configured, whether its parts run in one process or in many.
type Plan struct {
	Dir   string
	Nodes []Node
	// Addr is host:port of each service ("directory", "intake.cremona"), of the hub ("hub", "hub.leaves"), of each leaf
	// ("leaf.cremona"), and of the issuer of tokens ("issuer").
	Addr map[string]string
	// NodePostgres keeps the databases of the nodes, CentrePostgres those of the centre; they may be one.
	NodePostgres, CentrePostgres *pglocal.Server
	// Authority issues the certificates.
	Authority *devpki.Authority
	// Settings are given to every service on top of its own, by their names in the environment.
	Settings map[string]string
}

// NewPlan makes certificates, keys and grants below dir, as far as they are not there, and chooses addresses on loopback:
// the usual ones from port 7400 on where they are free and usualPorts is true, else any.
func NewPlan(ctx context.Context, dir string, nodes []Node, usualPorts bool) (*Plan, error) {
	p := &Plan{Dir: dir, Nodes: nodes, Addr: map[string]string{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	var err error
	if p.Authority, err = devpki.Open(filepath.Join(dir, "authority")); err != nil {
		return nil, err
	}
	for name, id := range p.identities() {
		if err := p.Authority.Issue(id, p.Identity(name)); err != nil {
			return nil, err
		}
	}
	if err := p.keys(); err != nil {
		return nil, err
	}
	return p, p.addresses(ctx, usualPorts)
}

func (p *Plan) identities() map[string]identity.ID {
	centre := func(kind, name string) identity.ID {
		return identity.ID{TrustDomain: TrustDomain, Region: identity.AllRegions, Node: identity.Centre, Kind: kind, Name: name}
	}
	ids := map[string]identity.ID{
		"hub": natsconf.HubID(TrustDomain), "monitor": centre(identity.KindOps, "monitor"), "issuer": centre(identity.KindSystem, "issuer"),
		"console.centre": centre(identity.KindSystem, "console"),
	}
	for _, s := range centreServices {
		ids[s] = centre(identity.KindService, s)
	}
	for _, n := range p.Nodes {
		at := func(kind, name string) identity.ID {
			return identity.ID{TrustDomain: TrustDomain, Region: n.Region, Node: n.Name, Kind: kind, Name: name}
		}
		ids["leaf."+n.Name] = natsconf.LeafID(TrustDomain, n.Region, n.Name)
		for _, s := range nodeServices {
			ids[s+"."+n.Name] = at(identity.KindService, s)
		}
		ids["console."+n.Name] = at(identity.KindSystem, "console")
		ids["protocollo."+n.Name] = at(identity.KindSystem, "protocollo")
	}
	return ids
}

// Identity is the folder of certificate and key of a part, for instance "intake.cremona" or "console.centre".
func (p *Plan) Identity(name string) string { return filepath.Join(p.Dir, "identities", name) }

// keys makes signing keys, the nodes' keys for sealing, and the grants of systems.
func (p *Plan) keys() error {
	if _, err := devpki.CreateSigningKey("centre", p.path("signing"), p.path("public", "centre")); err != nil {
		return err
	}
	if err := p.centreKeys(); err != nil {
		return err
	}
	grants := ""
	for _, n := range p.Nodes {
		if _, err := devpki.CreateSigningKey(n.Region+"."+n.Name, p.path("signing"), p.path("public", "nodes")); err != nil {
			return err
		}
		if err := os.MkdirAll(p.path("secrets"), 0o700); err != nil {
			return fmt.Errorf("network: %w", err)
		}
		for _, s := range personal {
			for suffix, create := range map[string]func(string) error{".kek": devkeys.CreateKEK, ".prf": devkeys.CreateSecrets} {
				path := p.path("secrets", s+"."+n.Name+suffix)
				if _, err := os.Stat(path); err == nil {
					continue
				}
				if err := create(path); err != nil {
					return err
				}
			}
		}
		grants += fmt.Sprintf("spiffe://%s/region/%s/node/%s/system/protocollo: [submitter]\n", TrustDomain, n.Region, n.Name)
	}
	if err := os.WriteFile(p.path("grants.yaml"), []byte(grants), 0o600); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

// centreKeys lets the centre count as a node of every region, under its own key: that is how its directory sends events.
func (p *Plan) centreKeys() error {
	public, err := os.ReadFile(p.path("public", "centre", bus.CentreOwner+".pem"))
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := os.MkdirAll(p.path("public", "nodes"), 0o700); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	for _, n := range All() { // regions without a node are in the directory too
		if err := os.WriteFile(p.path("public", "nodes", n.Region+"."+identity.Centre+".pem"), public, 0o600); err != nil {
			return fmt.Errorf("network: %w", err)
		}
	}
	return nil
}

func (p *Plan) path(elements ...string) string {
	return filepath.Join(append([]string{p.Dir}, elements...)...)
}

func (p *Plan) addresses(ctx context.Context, usualPorts bool) error {
	port := 7400
	name := func(name string) error {
		port++
		preferred := 0
		if usualPorts {
			preferred = port
		}
		addr, err := loopback.Addr(ctx, preferred)
		p.Addr[name] = addr
		return err
	}
	for _, s := range append([]string{"issuer", "hub", "hub.leaves"}, centreServices...) {
		if err := name(s); err != nil {
			return err
		}
	}
	for i, n := range p.Nodes {
		port = 7410 + i*10
		for _, s := range append([]string{"leaf"}, append(personal, "directory")...) {
			if err := name(s + "." + n.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Services are all services of the network, those of the centre first.
func (p *Plan) Services() []string {
	all := append([]string{}, centreServices...)
	for _, n := range p.Nodes {
		for _, s := range nodeServices {
			all = append(all, s+"."+n.Name)
		}
	}
	return all
}

func (p *Plan) node(name string) (Node, bool) {
	for _, n := range p.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Node{}, false
}
