package natsconf

import (
	"errors"
	"strings"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/identity"
)

// Hub is the broker of the centre.
type Hub struct {
	Name        string // [hub]
	TrustDomain string // for instance pari.test
	Listen      string // clients: host:port; port -1 lets the system choose
	LeafListen  string // leaves: host:port, chosen by the caller
	Monitor     string // host:port of the HTTP monitor, "" for none: it tells who is connected, keep it on loopback
	StoreDir    string
	// SyncInterval is when JetStream makes the disk write: "always" unless set. A longer one costs at most that events
	// are sent again, because only the centre's watermark counts as done.
	SyncInterval string
	TLS          TLS
	Nodes        []Node
}

// Node is a municipality that the hub lets in.
type Node struct {
	Region, Name string
	Hosted       []string // services of the node that run at the centre and connect to the hub directly
}

// centreAccount holds the stream.
const centreAccount = "CENTRE"

type hubAccount struct {
	Name, Up, Down string
	Users          []user
}

// Config writes the configuration of the hub.
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
	if err := errors.Join(checkListen("listen address", h.Listen), checkListen("leaf address", h.LeafListen), checkTLS(h.TLS)); err != nil {
		return "", err
	}
	accounts, exports, all := object{"SYS": object{"users": []object{}}}, []object{}, []string{}
	for _, n := range h.Nodes {
		if err := checkSlugs("node", append([]string{n.Region, n.Name}, n.Hosted...)...); err != nil {
			return "", err
		}
		a := h.account(n)
		accounts[a.Name] = object{"users": users(a.Users), "imports": []object{
			{"service": object{"account": centreAccount, "subject": a.Up}},
			{"stream": object{"account": centreAccount, "subject": a.Down}},
			{"stream": object{"account": centreAccount, "subject": bus.DirectoryUpdates}},
		}}
		all = append(all, a.Name)
		exports = append(exports,
			object{"service": a.Up, "accounts": []string{a.Name}},
			object{"stream": a.Down, "accounts": []string{a.Name}})
	}
	if len(all) > 0 {
		exports = append(exports, object{"stream": bus.DirectoryUpdates, "accounts": all})
	}
	accounts[centreAccount] = object{"jetstream": "enabled", "users": users(h.centre()), "exports": exports}

	config := base(h.Name, h.Listen, h.Monitor, h.TLS)
	config["jetstream"] = object{"domain": bus.HubDomain, "store_dir": h.StoreDir, "sync_interval": h.SyncInterval}
	config["leafnodes"] = object{"listen": h.LeafListen, "no_advertise": true, "tls": h.TLS.object()}
	config["accounts"] = accounts
	return render(config)
}

func (h Hub) account(n Node) hubAccount {
	a := hubAccount{
		Name: "NODE-" + n.Region + "-" + n.Name,
		Up:   "pari.v1." + n.Region + "." + n.Name + ".>",
		Down: "pari.down.v1." + n.Region + "." + n.Name + ".>",
	}
	a.Users = append(a.Users, user{
		ID: LeafID(h.TrustDomain, n.Region, n.Name), Kind: "LEAFNODE",
		Publish:   []string{a.Up},
		Subscribe: []string{a.Down, bus.DirectoryUpdates, "_INBOX." + n.Region + "." + n.Name + ".>"},
	})
	for _, service := range n.Hosted {
		a.Users = append(a.Users, serviceUser(h.TrustDomain, n.Region, n.Name, service))
	}
	return a
}

// centre lists who may use the centre's account: reporting reads the stream and answers the nodes, the directory answers those
// that ask what they lack of it and tells reporting what its entries count, operators look.
func (h Hub) centre() []user {
	stream := bus.StreamName
	api := func(verbs ...string) []string {
		for i, v := range verbs {
			verbs[i] = "$JS.API." + strings.ReplaceAll(v, "STREAM_NAME", stream)
		}
		return verbs
	}
	own := "pari.v1.*." + identity.Centre
	return []user{
		{
			ID: centreID(h.TrustDomain, identity.KindService, "reporting"), Kind: "STANDARD",
			Publish: append(api("INFO", "STREAM.INFO.STREAM_NAME", "STREAM.CREATE.STREAM_NAME", "STREAM.UPDATE.STREAM_NAME",
				"CONSUMER.INFO.STREAM_NAME.*", "CONSUMER.CREATE.STREAM_NAME.>", "CONSUMER.MSG.NEXT.STREAM_NAME.*"),
				"$JS.ACK."+stream+".>", "$JS.ACK.*.*."+stream+".>", "pari.down.v1.>"),
			Subscribe: []string{bus.AllHeartbeats, bus.InboxPrefix(identity.AllRegions, identity.Centre, "reporting") + ".>"},
		},
		{
			ID: centreID(h.TrustDomain, identity.KindService, "directory"), Kind: "STANDARD",
			// _R_ is where the broker takes the answer to a question that came from another account. In each region it has a line
			// of its own, as if the centre were a node there.
			Publish:   []string{bus.DirectoryUpdates, "_R_.>", own + ".events.directory.>", own + ".heartbeat.directory"},
			Subscribe: []string{bus.AllDirectoryRequests, "pari.down.v1.*." + identity.Centre + ".watermark.directory", bus.InboxPrefix(identity.AllRegions, identity.Centre, "directory") + ".>"},
		},
		{
			ID: centreID(h.TrustDomain, identity.KindOps, "monitor"), Kind: "STANDARD",
			Publish:   api("STREAM.INFO.STREAM_NAME", "CONSUMER.INFO.STREAM_NAME.*"),
			Subscribe: []string{bus.AllHeartbeats, bus.InboxPrefix(identity.AllRegions, identity.Centre, "monitor") + ".>"},
		},
	}
}
