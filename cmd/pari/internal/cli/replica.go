package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/cmd/pari/render"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// statusTimeout bounds the call to one directory, so that one that is down does not delay the others.
const statusTimeout = 5 * time.Second

// replicaStatus describes the directory of the centre or the replica of one node.
type replicaStatus struct {
	At       string `json:"at"`
	Revision int64  `json:"revision"`
	// AgeSeconds is the time since the centre last confirmed that the replica is complete.
	AgeSeconds int64  `json:"age_seconds"`
	Digest     string `json:"digest"`
	// Same reports whether the digest equals that of the centre.
	Same  bool   `json:"same"`
	Error string `json:"error,omitempty"`
}

func (c *cli) directoryStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Compare the directory of the centre with the copies of the nodes", Args: cobra.NoArgs,
		Long: "Asks the centre and every node how far its directory is, how old, and whether the copies say what the " +
			"centre says.\nA part that does not answer is shown with its error; the exit code is 1 when a copy that " +
			"answers differs.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := c.loadReplicas(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.printReplicas(all); err != nil {
				return err
			}
			for _, s := range all {
				if s.Error == "" && !s.Same && all[0].Error == "" {
					return errorf("la copia di %s è diversa dal centro: guarda di nuovo tra poco; "+
						"se resta così, vedi il log del suo repertorio",
						"the copy at %s differs from the centre: look again in a moment; "+
							"if it stays, see the log of its directory", s.At).withHint("pari directory status")
				}
			}
			return nil
		},
	}
}

// loadReplicas asks the centre, then every node. The centre is the first of the result.
func (c *cli) loadReplicas(ctx context.Context) ([]replicaStatus, error) {
	network, err := c.loadNetwork()
	if err != nil {
		return nil, err
	}
	var all []replicaStatus
	for _, node := range append([]string{""}, network.Nodes...) {
		s, service := replicaStatus{At: "centre"}, "directory"
		if node != "" {
			s.At, service = node, "directory."+node
		}
		if err := c.loadReplica(ctx, network, service, &s); err != nil {
			s.Error = status.Convert(err).Code().String()
		}
		all = append(all, s)
		all[len(all)-1].Same = s.Error == "" && s.Digest == all[0].Digest
	}
	return all, nil
}

func (c *cli) loadReplica(
	ctx context.Context, network client.Network, service string, s *replicaStatus,
) error {
	conn, err := c.dial(network, service, client.Console(service), "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	directory := directoryv1.NewDirectoryServiceClient(conn)
	resp, err := directory.GetDirectoryStatus(ctx, &directoryv1.GetDirectoryStatusRequest{})
	s.Revision, s.AgeSeconds = resp.GetFreshness().GetRevision(), resp.GetFreshness().GetAgeSeconds()
	s.Digest = resp.GetDigest()
	return err
}

func (c *cli) printReplicas(all []replicaStatus) error {
	if c.format == "json" {
		raw, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return c.writeJSON(raw)
	}
	return render.Rows(c.out, func(row render.Row) {
		row(c.label("DOVE", "WHERE"), c.label("REVISIONE", "REVISION"), c.label("CONFERMATA", "CONFIRMED"),
			c.label("UGUALE AL CENTRO", "SAME AS THE CENTRE"))
		for _, s := range all {
			if s.Error != "" {
				row(s.At, "-", "-", s.Error)
				continue
			}
			same := c.label("sì", "yes")
			if !s.Same {
				same = "no"
			}
			row(s.At, s.Revision, c.age(s.AgeSeconds), same)
		}
	})
}

// age formats the time since something happened.
func (c *cli) age(seconds int64) string {
	return fmt.Sprintf(c.label("%s fa", "%s ago"), time.Duration(seconds)*time.Second)
}

// freshness returns a line on the age of a replica's response, and "" for a response of the centre.
func (c *cli) freshness(f *directoryv1.Freshness) string {
	switch {
	case !f.GetCopy():
		return ""
	case f.GetConfirmedAt() == nil:
		return c.label("copia del nodo, mai confermata dal centro", "the node's copy, never confirmed by the centre")
	}
	format := c.label("copia del nodo, confermata dal centro %s", "the node's copy, confirmed by the centre %s")
	return fmt.Sprintf(format, c.age(f.GetAgeSeconds()))
}
