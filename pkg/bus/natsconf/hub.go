package natsconf

import (
	"errors"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

// Hub is the configuration of the broker of the centre.
type Hub struct {
	Name        string // [hub]
	TrustDomain string // for instance pari.test
	Listen      string // clients: host:port; port -1 lets the system choose
	LeafListen  string // leaves: host:port, chosen by the caller
	Monitor     string // host:port of the HTTP monitor, "" for none; keep it on loopback
	StoreDir    string
	// SyncInterval is how often JetStream syncs to disk ["always"]. A longer interval can only cause resends, because
	// only the centre's watermark acknowledges an event.
	SyncInterval string
	TLS          TLS
	Nodes        []Node
	// Denied leaves out identities that are valid but denied; see identity.LoadDeniedIDs. nil denies none. The hub must
	// be restarted when a leaf is denied: nats-server does not check links that are open when it reloads.
	Denied func(identity.ID) bool
}

// Node is a node that the hub admits.
type Node struct {
	Tenant tenant.ID
	Hosted []string // services of the node that run at the centre and connect to the hub directly
}

// centreAccount is the account with the stream.
const centreAccount = "CENTRE"

type hubAccount struct {
	Name, Up, Down string
	Users          []user
}

// Config returns the configuration as text.
func (h Hub) Config() (string, error) {
	if h.Name == "" {
		h.Name = "hub"
	}
	if h.SyncInterval == "" {
		h.SyncInterval = "always"
	}
	if !domain.MatchString(h.TrustDomain) {
		return "", errors.New("broker configuration: trust domain is not a domain name")
	}
	if h.StoreDir == "" {
		return "", errors.New("broker configuration: the hub needs a store directory")
	}
	err := errors.Join(
		checkListen("listen address", h.Listen), checkListen("leaf address", h.LeafListen), checkTLS(h.TLS))
	if err != nil {
		return "", err
	}
	accounts, exports, all := object{"SYS": object{"users": []object{}}}, []object{}, []string{}
	for _, n := range h.Nodes {
		if err := checkSlugs("node", append([]string{n.Tenant.Region, n.Tenant.Node}, n.Hosted...)...); err != nil {
			return "", err
		}
		a := h.account(n)
		accounts[a.Name] = object{"users": users(a.Users, h.Denied), "imports": []object{
			{"service": object{"account": centreAccount, "subject": a.Up}},
			{"stream": object{"account": centreAccount, "subject": a.Down}},
			{"stream": object{"account": centreAccount, "subject": bus.DirectoryAnnouncements}},
		}}
		all = append(all, a.Name)
		exports = append(exports,
			object{"service": a.Up, "accounts": []string{a.Name}},
			object{"stream": a.Down, "accounts": []string{a.Name}})
	}
	if len(all) > 0 {
		exports = append(exports, object{"stream": bus.DirectoryAnnouncements, "accounts": all})
	}
	accounts[centreAccount] = object{"jetstream": "enabled", "users": users(h.centre(), h.Denied), "exports": exports}

	config := base(h.Name, h.Listen, h.Monitor, h.TLS)
	config["jetstream"] = object{"domain": bus.HubDomain, "store_dir": h.StoreDir, "sync_interval": h.SyncInterval}
	config["leafnodes"] = object{"listen": h.LeafListen, "no_advertise": true, "tls": h.TLS.serverBlock()}
	config["accounts"] = accounts
	return render(config)
}

func (h Hub) account(n Node) hubAccount {
	a := hubAccount{
		Name: "NODE_" + n.Tenant.Region + "_" + n.Tenant.Node, // names have hyphens
		Up:   "pari.v1." + bus.Owner(n.Tenant) + ".>",
		Down: "pari.down.v1." + bus.Owner(n.Tenant) + ".>",
	}
	a.Users = append(a.Users, user{
		ID: LeafID(h.TrustDomain, n.Tenant), Kind: "LEAFNODE",
		Publish:   []string{a.Up},
		Subscribe: []string{a.Down, bus.DirectoryAnnouncements, "_INBOX." + bus.Owner(n.Tenant) + ".>"},
	})
	for _, service := range n.Hosted {
		a.Users = append(a.Users, serviceUser(h.TrustDomain, n.Tenant, service))
	}
	return a
}

// centre returns the users of the centre's account: reporting consumes the stream and sends watermarks, the directory
// answers requests and sends its own events, monitoring reads states.
func (h Hub) centre() []user {
	stream := bus.StreamName
	api := func(verbs ...string) []string {
		for i, v := range verbs {
			verbs[i] = "$JS.API." + strings.ReplaceAll(v, "STREAM_NAME", stream)
		}
		return verbs
	}
	own := "pari.v1.*." + tenant.CentreNode
	inbox := func(name string) string { return bus.InboxPrefix(tenant.Centre, name) + ".>" }
	return []user{
		{
			ID: centreID(h.TrustDomain, identity.KindService, "reporting"), Kind: "STANDARD",
			Publish: append(api("INFO",
				"STREAM.INFO.STREAM_NAME", "STREAM.CREATE.STREAM_NAME", "STREAM.UPDATE.STREAM_NAME",
				"CONSUMER.INFO.STREAM_NAME.*", "CONSUMER.CREATE.STREAM_NAME.>", "CONSUMER.MSG.NEXT.STREAM_NAME.*",
				"CONSUMER.RESET.STREAM_NAME.*"),
				"$JS.ACK."+stream+".>", "$JS.ACK.*.*."+stream+".>", "pari.down.v1.>"),
			Subscribe: []string{bus.AllHeartbeats, inbox("reporting")},
		},
		{
			ID: centreID(h.TrustDomain, identity.KindService, "directory"), Kind: "STANDARD",
			// _R_ is the reply subject of a request from another account. The centre's directory sends a partition in
			// each region, as node "centre".
			Publish: []string{
				bus.DirectoryAnnouncements, "_R_.>", own + ".events.directory.>", own + ".heartbeat.directory",
			},
			Subscribe: []string{
				bus.AllDirectoryRequests, "pari.down.v1.*." + tenant.CentreNode + ".watermark.directory",
				inbox("directory"),
			},
		},
		{
			ID: centreID(h.TrustDomain, identity.KindOps, "monitor"), Kind: "STANDARD",
			Publish:   api("STREAM.INFO.STREAM_NAME", "CONSUMER.INFO.STREAM_NAME.*"),
			Subscribe: []string{bus.AllHeartbeats, inbox("monitor")},
		},
	}
}
