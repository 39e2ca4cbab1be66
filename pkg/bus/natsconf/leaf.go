package natsconf

import (
	"errors"
	"net/url"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Leaf is the configuration of the broker of a node. It has no JetStream: the outbox is the store.
type Leaf struct {
	TrustDomain string
	Tenant      tenant.ID
	Listen      string // the node's services: host:port; port -1 lets the system choose
	Monitor     string // host:port of the HTTP monitor, "" for none
	HubURL      string // tls://host:port of the hub's leaf listener
	TLS         TLS
	Services    []string // [intake, casemanagement, directory]
	// Denied leaves out identities that are valid but denied, as in Hub. When the hub is denied the leaf has no link.
	Denied func(identity.ID) bool
}

// Config returns the configuration as text.
func (l Leaf) Config() (string, error) {
	if len(l.Services) == 0 {
		l.Services = []string{"intake", "casemanagement", "directory"}
	}
	if !domain.MatchString(l.TrustDomain) {
		return "", errors.New("broker configuration: trust domain is not a domain name")
	}
	if u, err := url.Parse(l.HubURL); err != nil || u.Scheme != "tls" || u.Port() == "" || u.User != nil {
		return "", errors.New("broker configuration: hub address is not tls://host:port")
	}
	names := append([]string{l.Tenant.Region, l.Tenant.Node}, l.Services...)
	err := errors.Join(checkSlugs("node", names...), checkListen("listen address", l.Listen), checkTLS(l.TLS))
	if err != nil {
		return "", err
	}
	members := make([]user, len(l.Services))
	for i, service := range l.Services {
		members[i] = serviceUser(l.TrustDomain, l.Tenant, service)
	}
	config := base("leaf_"+l.Tenant.Region+"_"+l.Tenant.Node, l.Listen, l.Monitor, l.TLS)
	remotes := []object{}
	if l.Denied == nil || !l.Denied(HubID(l.TrustDomain)) {
		remotes = append(remotes, object{
			"url": l.HubURL, "account": "NODE", "ignore_discovered_servers": true, "tls": l.TLS.clientBlock(),
		})
	}
	config["leafnodes"] = object{"reconnect": "500ms", "remotes": remotes}
	config["accounts"] = object{"NODE": object{"users": users(members, l.Denied)}, "SYS": object{"users": []object{}}}
	return render(config)
}
