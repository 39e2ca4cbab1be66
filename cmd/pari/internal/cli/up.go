package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/network"
	"github.com/retepari/pari/cmd/pari/story"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

func (c *cli) up() *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Run the whole network: the centre, Cremona, Cuneo, Milano", Args: cobra.NoArgs,
		Long: "Runs the whole network on this machine until ctrl-C, with a Postgres of its own. Data stay in --dir. The first start tells seven invented stories.",
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runUp(cmd.Context()) },
	}
}

func (c *cli) runUp(ctx context.Context) error {
	began := time.Now()
	n, err := network.Start(ctx, network.Options{Dir: c.dir, Nodes: network.All(), Usual: true, Version: buildVersion(), Progress: c.progress})
	if err != nil {
		return err
	}
	if err := c.tellOnce(ctx, n); err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, n.Wait(stopped))
	}
	c.banner(n, time.Since(began))
	err = n.Wait(ctx)
	if err == nil {
		_, _ = fmt.Fprintln(c.errOut, "stopped; what was stored is in", c.dir)
	}
	return err
}

func (c *cli) progress(what string) { _, _ = fmt.Fprintln(c.errOut, "…", what) }

// tellOnce tells the stories on the first start, and shows what the region sees of them. Which are told is written down
// after each: a start that was cut short goes on with the next.
func (c *cli) tellOnce(ctx context.Context, n *network.Network) error {
	for _, s := range story.All() {
		mark := filepath.Join(c.dir, "stories", fmt.Sprint(s.Number))
		if _, err := os.Stat(mark); err == nil {
			continue
		}
		c.progress(fmt.Sprintf("story %d, %s (%s)", s.Number, s.Title, s.Node))
		if err := story.Tell(ctx, n.Access(), s); err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(mark), 0o700), os.WriteFile(mark, nil, 0o600)); err != nil {
			return fmt.Errorf("stories: %w", err)
		}
	}
	found, err := settle(ctx, n.Access())
	if err != nil {
		return err
	}
	if found.settled() {
		return c.showTables(ctx, n.Access())
	}
	return nil
}

// showTables prints the first table of every region.
func (c *cli) showTables(ctx context.Context, a network.Access) error {
	conn, err := analyst(ctx, a)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, region := range []string{"lombardia", "piemonte"} {
		answer, err := reportingv1.NewReportingServiceClient(conn).GetTable(ctx, &reportingv1.GetTableRequest{Table: "T1", Region: region, Year: int32(time.Now().Year())})
		if err != nil {
			return err
		}
		as := cli{out: c.out, format: "table", lang: c.lang}
		if err := as.print(answer, func(row func(...any)) { as.tableRows(answer.GetTable(), row) }); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(c.out)
	}
	return nil
}

func (c *cli) banner(n *network.Network, took time.Duration) {
	dir := ""
	if c.dir != defaultDir() || os.Getenv("PARI_DIR") != "" {
		dir = " --dir " + c.dir
	}
	w := c.out
	_, _ = fmt.Fprintf(w, "Pari is up after %.1f s. ctrl-C stops it; data stay in %s\n\n", took.Seconds(), c.dir)
	for _, s := range n.Services() {
		_, _ = fmt.Fprintf(w, "  %-24s %s\n", s, n.Addr[s])
	}
	_, _ = fmt.Fprintf(w, "  %-24s %s\n  %-24s %s\n\n", "sign-in", n.Issuer(), "Postgres", fmt.Sprintf("127.0.0.1:%d", n.Postgres.Port()))
	id := n.Identity("console.cremona")
	_, _ = fmt.Fprintf(w, `In a second terminal:

  build/pari desk find --territory 019036 --ground DISABILITY%[1]s
  build/pari login --as operator-cremona%[1]s && build/pari report list%[1]s
  grpcurl -cacert %[2]s/ca.pem -cert %[2]s/cert.pem -key %[2]s/key.pem -d '{"names":["ground"]}' \
    %[3]s pari.directory.v1.DirectoryService/ListVocabularies

`, dir, id, n.Addr["directory"])
}
