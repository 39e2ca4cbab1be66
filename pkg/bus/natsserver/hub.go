package natsserver

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
	accounts := make([]hubAccount, len(h.Nodes))
	for i, n := range h.Nodes {
		if err := checkSlugs("node", append([]string{n.Region, n.Name}, n.Hosted...)...); err != nil {
			return "", err
		}
		accounts[i] = h.account(n)
	}
	return render("hub", hubText, struct {
		Hub
		Domain   string
		Centre   []user
		Accounts []hubAccount
	}{h, bus.HubDomain, h.centre(), accounts})
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
		Subscribe: []string{a.Down, "_INBOX." + n.Region + "." + n.Name + ".>"},
	})
	for _, service := range n.Hosted {
		a.Users = append(a.Users, serviceUser(h.TrustDomain, n.Region, n.Name, service))
	}
	return a
}

// centre lists who may use the centre's account: reporting reads the stream and answers the nodes, operators look.
func (h Hub) centre() []user {
	stream := bus.StreamName
	api := func(verbs ...string) []string {
		for i, v := range verbs {
			verbs[i] = "$JS.API." + strings.ReplaceAll(v, "STREAM_NAME", stream)
		}
		return verbs
	}
	return []user{
		{
			ID: centreID(h.TrustDomain, identity.KindService, "reporting"), Kind: "STANDARD",
			Publish: append(api("INFO", "STREAM.INFO.STREAM_NAME", "STREAM.CREATE.STREAM_NAME", "STREAM.UPDATE.STREAM_NAME",
				"CONSUMER.INFO.STREAM_NAME.*", "CONSUMER.CREATE.STREAM_NAME.>", "CONSUMER.MSG.NEXT.STREAM_NAME.*"),
				"$JS.ACK."+stream+".>", "$JS.ACK.*.*."+stream+".>", "pari.down.v1.>"),
			Subscribe: []string{bus.AllHeartbeats, bus.InboxPrefix(identity.AllRegions, identity.Centre, "reporting") + ".>"},
		},
		{
			ID: centreID(h.TrustDomain, identity.KindOps, "monitor"), Kind: "STANDARD",
			Publish:   api("STREAM.INFO.STREAM_NAME", "CONSUMER.INFO.STREAM_NAME.*"),
			Subscribe: []string{bus.AllHeartbeats, bus.InboxPrefix(identity.AllRegions, identity.Centre, "monitor") + ".>"},
		},
	}
}

const hubText = `
server_name: {{q .Name}}
listen: {{q .Listen}}
{{- if .Monitor}}
http: {{q .Monitor}}
{{- end}}
{{template "limits"}}
{{template "tls" .TLS}}

jetstream {
  domain: {{q .Domain}}
  store_dir: {{q .StoreDir}}
  sync_interval: {{q .SyncInterval}}
}

leafnodes {
  listen: {{q .LeafListen}}
  no_advertise: true
  {{template "tls" .TLS}}
}

accounts {
  "CENTRE": {
    jetstream: enabled
    users: [
{{- range .Centre}}
      {{template "user" .}}
{{- end}}
    ]
    exports: [
{{- range .Accounts}}
      { service: {{q .Up}}, accounts: [{{q .Name}}] }
      { stream: {{q .Down}}, accounts: [{{q .Name}}] }
{{- end}}
    ]
  }
{{- range .Accounts}}
  {{q .Name}}: {
    users: [
{{- range .Users}}
      {{template "user" .}}
{{- end}}
    ]
    imports: [
      { service: { account: "CENTRE", subject: {{q .Up}} } }
      { stream: { account: "CENTRE", subject: {{q .Down}} } }
    ]
  }
{{- end}}
  "SYS": { users: [] }
}
system_account: "SYS"
`
