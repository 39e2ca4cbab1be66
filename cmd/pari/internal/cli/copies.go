package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/retepari/pari/cmd/pari/client"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// copyStatus is how the directory of the centre, or the copy of a node, stands.
type copyStatus struct {
	At       string `json:"at"`
	Revision int64  `json:"revision"`
	// AgeSeconds is how long ago the centre said that nothing is missing.
	AgeSeconds int64  `json:"age_seconds"`
	Digest     string `json:"digest"`
	// Same tells whether it says what the centre says.
	Same  bool   `json:"same"`
	Error string `json:"error,omitempty"`
}

func (c *cli) directoryStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Compare the directory of the centre with the copies of the nodes", Args: cobra.NoArgs,
		Long: "Asks the centre and every node how far its directory is, how old, and whether the copies say what the centre says.\n" +
			"A part that does not answer is shown with its error; the exit code is 1 when a copy that answers differs.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := c.copies(cmd.Context())
			if err != nil {
				return err
			}
			if c.format == "json" {
				raw, err := json.MarshalIndent(all, "", "  ")
				if err != nil {
					return fmt.Errorf("write answer: %w", err)
				}
				_, _ = fmt.Fprintln(c.out, string(raw))
			} else {
				c.showCopies(all)
			}
			for _, s := range all {
				if s.Error == "" && !s.Same && all[0].Error == "" {
					return fmt.Errorf("the copy at %s differs from the centre: look again in a moment; if it stays, see the log of its directory", s.At)
				}
			}
			return nil
		},
	}
}

// copies asks the centre first, then the nodes.
func (c *cli) copies(ctx context.Context) ([]copyStatus, error) {
	a, err := c.access()
	if err != nil {
		return nil, err
	}
	var all []copyStatus
	for _, node := range append([]string{""}, a.Nodes...) {
		s, service := copyStatus{At: "centre"}, "directory"
		if node != "" {
			s.At, service = node, "directory."+node
		}
		if err := s.fill(ctx, a, service); err != nil {
			s.Error = status.Convert(err).Code().String()
		}
		all = append(all, s)
		all[len(all)-1].Same = s.Error == "" && s.Digest == all[0].Digest
	}
	return all, nil
}

func (s *copyStatus) fill(ctx context.Context, a client.Network, service string) error {
	conn, err := a.Conn(service, client.Console(service), "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := directoryv1.NewDirectoryServiceClient(conn).GetDirectoryStatus(ctx, &directoryv1.GetDirectoryStatusRequest{})
	s.Revision, s.AgeSeconds, s.Digest = answer.GetFreshness().GetRevision(), answer.GetFreshness().GetAgeSeconds(), answer.GetDigest()
	return err
}

func (c *cli) showCopies(all []copyStatus) {
	t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, c.label("DOVE\tREVISIONE\tCONFERMATA\tUGUALE AL CENTRO", "WHERE\tREVISION\tCONFIRMED\tSAME AS THE CENTRE"))
	for _, s := range all {
		if s.Error != "" {
			_, _ = fmt.Fprintf(t, "%s\t-\t-\t%s\n", s.At, s.Error)
			continue
		}
		same := c.label("sì", "yes")
		if !s.Same {
			same = "no"
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", s.At, s.Revision, c.ago(s.AgeSeconds), same)
	}
	_ = t.Flush()
}

// ago says how old something is.
func (c *cli) ago(seconds int64) string {
	return fmt.Sprintf(c.label("%s fa", "%s ago"), time.Duration(seconds)*time.Second)
}

// freshness says that an answer came from a copy, and how old that is; nothing for an answer of the centre.
func (c *cli) freshness(f *directoryv1.Freshness) string {
	switch {
	case !f.GetCopy():
		return ""
	case f.GetConfirmedAt() == nil:
		return c.label("copia del nodo, mai confermata dal centro", "the node's copy, never confirmed by the centre")
	}
	return fmt.Sprintf(c.label("copia del nodo, confermata dal centro %s", "the node's copy, confirmed by the centre %s"), c.ago(f.GetAgeSeconds()))
}
