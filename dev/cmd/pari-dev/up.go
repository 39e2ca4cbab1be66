package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/reconcile"
	"github.com/retepari/pari/dev/story"
)

func (a *app) up() *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Run the whole network: the centre, Cremona, Cuneo, Milano", Args: cobra.NoArgs,
		Long: "Runs the whole network on this machine until ctrl-C, with a Postgres of its own. Data stay in --dir.\n" +
			"The first start tells seven invented stories.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runUp(cmd.Context()) },
	}
}

func (a *app) runUp(ctx context.Context) error {
	began := time.Now()
	n, err := network.Start(ctx, network.Options{
		Dir: a.dir, Nodes: network.All(), UsualPorts: true, Version: buildVersion(), Progress: a.progress,
	})
	if err != nil {
		return err
	}
	if err := a.tellOnce(ctx, n); err != nil {
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, n.Wait(stopped))
	}
	a.banner(n, time.Since(began))
	err = n.Wait(ctx)
	if err == nil {
		_, _ = fmt.Fprintln(a.errOut, "stopped; the data are in", a.dir)
	}
	return err
}

// tellOnce tells the stories on the first start and shows what the region sees of them. A marker file per story lets a
// start that was interrupted continue with the next one.
func (a *app) tellOnce(ctx context.Context, n *network.Network) error {
	for _, s := range story.All() {
		marker := filepath.Join(a.dir, "stories", fmt.Sprint(s.Number))
		if _, err := os.Stat(marker); err == nil {
			continue
		}
		if err := a.tell(ctx, n, s); err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(marker), 0o700), os.WriteFile(marker, nil, 0o600)); err != nil {
			return fmt.Errorf("stories: %w", err)
		}
	}
	result, err := reconcile.Wait(ctx, n.Access())
	if err != nil {
		return err
	}
	if result.Agrees() {
		return a.showFlow(ctx, n.Access())
	}
	return nil
}

// banner says where everything listens, and what to try.
func (a *app) banner(n *network.Network, took time.Duration) {
	dir := ""
	if a.dir != client.DefaultDir() || os.Getenv("PARI_DIR") != "" {
		dir = " --dir " + a.dir
	}
	w := a.out
	_, _ = fmt.Fprintf(w, "Pari is up after %.1f s. ctrl-C stops it; data stay in %s\n\n", took.Seconds(), a.dir)
	for _, s := range n.Services() {
		_, _ = fmt.Fprintf(w, "  %-24s %s\n", s, n.Addr[s])
	}
	_, _ = fmt.Fprintf(w, "  %-24s %s\n  %-24s 127.0.0.1:%d\n\n", "sign-in", n.Issuer(), "Postgres", n.Postgres.Port())
	id := n.Identity("console.cremona")
	_, _ = fmt.Fprintf(w, `In a second terminal:

  build/pari desk find --territory 019036 --ground DISABILITY%[1]s
  build/pari login --as operator-cremona%[1]s && build/pari report list%[1]s
  grpcurl -cacert %[2]s/ca.pem -cert %[2]s/cert.pem -key %[2]s/key.pem -d '{"names":["ground"]}' \
    %[3]s pari.directory.v1.DirectoryService/ListVocabularies

`, dir, id, n.Addr["directory"])
}

// buildVersion is the commit that the program was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
