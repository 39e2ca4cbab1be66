package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/pkg/bus/natsconf"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
)

func (c *cli) opsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "ops", Short: "Files for the people who operate a centre or a node"}
	broker := &cobra.Command{
		Use: "nats-config", Short: "Print the configuration of a NATS broker: accounts and permissions by certificate",
	}
	broker.AddCommand(c.hubConfigCmd(), c.leafConfigCmd())
	cmd.AddCommand(broker)
	return cmd
}

func (c *cli) hubConfigCmd() *cobra.Command {
	var h natsconf.Hub
	var tlsDir, denyFile string
	var nodes, hosted []string
	cmd := &cobra.Command{
		Use: "hub", Short: "The broker of the centre, with an account for each node", Args: cobra.NoArgs,
		Example: "  pari ops nats-config hub --trust-domain rete.example.org --store /data --tls /etc/pari/tls \\\n" +
			"    --node lombardia/cremona --node piemonte/cuneo > hub.conf",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := given(cmd, "trust-domain", "store"); err != nil {
				return err
			}
			if h.Denied, err = identity.LoadDeniedIDs(denyFile); err != nil {
				return unusable(err)
			}
			for i, name := range append(nodes, hosted...) {
				t, err := tenant.Parse(name)
				if err != nil {
					return unusable(err)
				}
				n := natsconf.Node{Tenant: t}
				if i >= len(nodes) {
					n.Hosted = []string{"intake", "casemanagement"}
				}
				h.Nodes = append(h.Nodes, n)
			}
			h.TLS = natsconf.TLSIn(tlsDir)
			return c.writeConfig(h.Config)
		},
	}
	f := cmd.Flags()
	f.StringVar(&h.TrustDomain, "trust-domain", "", "trust domain of the certificates, for instance rete.example.org")
	f.StringVar(&h.Listen, "listen", "0.0.0.0:4222", "address for the services of the centre")
	f.StringVar(&h.LeafListen, "leaf-listen", "0.0.0.0:7422", "address for the leaves of the nodes")
	f.StringVar(&h.Monitor, "monitor", "", "address of the HTTP monitor; keep it on loopback")
	f.StringVar(&h.StoreDir, "store", "", "folder of the streams")
	f.StringSliceVar(&nodes, "node", nil, "node with a leaf of its own, as REGION/NODE; once for each")
	f.StringSliceVar(&hosted, "hosted", nil, "node whose intake and casemanagement run at the centre; once for each")
	tlsFlags(cmd, &tlsDir, &denyFile)
	return cmd
}

func (c *cli) leafConfigCmd() *cobra.Command {
	var l natsconf.Leaf
	var node, tlsDir, denyFile string
	cmd := &cobra.Command{
		Use: "leaf", Short: "The broker of a node, which is a leaf of the centre's", Args: cobra.NoArgs,
		Example: "  pari ops nats-config leaf --trust-domain rete.example.org --tenant lombardia/cremona \\\n" +
			"    --hub tls://hub.rete.example.org:7422 --tls /etc/pari/tls > leaf.conf",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := given(cmd, "trust-domain", "tenant", "hub"); err != nil {
				return err
			}
			if l.Denied, err = identity.LoadDeniedIDs(denyFile); err != nil {
				return unusable(err)
			}
			if l.Tenant, err = tenant.Parse(node); err != nil {
				return unusable(err)
			}
			l.TLS = natsconf.TLSIn(tlsDir)
			return c.writeConfig(l.Config)
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.TrustDomain, "trust-domain", "", "trust domain of the certificates, for instance rete.example.org")
	f.StringVar(&node, "tenant", "", "the node, as REGION/NODE")
	f.StringVar(&l.Listen, "listen", "0.0.0.0:4222", "address for the services of the node")
	f.StringVar(&l.Monitor, "monitor", "", "address of the HTTP monitor; keep it on loopback")
	f.StringVar(&l.HubURL, "hub", "", "address of the hub for leaves, tls://HOST:PORT")
	tlsFlags(cmd, &tlsDir, &denyFile)
	return cmd
}

func tlsFlags(cmd *cobra.Command, dir, denyFile *string) {
	f := cmd.Flags()
	f.StringVar(dir, "tls", "/etc/pari/tls", "folder with cert.pem, key.pem and ca.pem, as the broker sees it")
	f.StringVar(denyFile, "deny", "", "file of denied identities, which are left out")
}

// given returns an error when one of the flags is not given.
func given(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if !cmd.Flags().Changed(name) {
			return errorf("manca --%s", "--%s is missing", name).withHint(cmd.CommandPath() + " --help")
		}
	}
	return nil
}

// writeConfig prints a configuration.
func (c *cli) writeConfig(config func() (string, error)) error {
	text, err := config()
	if err != nil {
		return unusable(err)
	}
	_, err = io.WriteString(c.out, text)
	return err
}

// unusable says what is wrong with the settings of a configuration.
func unusable(err error) error {
	return errorf("la configurazione non si può comporre: %v", "the configuration cannot be made: %v", err)
}
