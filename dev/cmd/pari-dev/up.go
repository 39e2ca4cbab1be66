package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/dev/network"
	"github.com/retepari/pari/dev/reconcile"
	"github.com/retepari/pari/dev/story"
	"github.com/retepari/pari/pkg/version"
)

func (a *app) upCmd() *cobra.Command {
	var closeDayEvery time.Duration
	cmd := &cobra.Command{
		Use: "up", Short: "Run the whole network: the centre, Cremona, Cuneo, Milano", Args: cobra.NoArgs,
		Long: "Runs the whole network on this machine until ctrl-C, with a Postgres of its own. Data stay in --dir.\n" +
			"The first start tells seven invented stories.\n\n" +
			"Anonymous reports are counted at the centre when their day has closed. Here it closes every second,\n" +
			"so that the counts can be seen; --close-day-every 0s closes days at midnight, as nodes do.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runUp(cmd.Context(), closeDayEvery) },
	}
	cmd.Flags().DurationVar(&closeDayEvery, "close-day-every", time.Second, "how often the current day closes")
	return cmd
}

func (a *app) runUp(ctx context.Context, closeDayEvery time.Duration) error {
	start := time.Now()
	n, err := network.Start(ctx, network.Options{
		Dir: a.dir, Nodes: network.DefaultNodes(), DefaultPorts: true, Version: version.Commit(),
		Progress: a.printProgress,
		Settings: map[string]string{"PARI_CLOSE_DAY_EVERY": closeDayEvery.String()},
	})
	if err != nil {
		return err
	}
	if err := a.runStories(ctx, n); err != nil {
		return errors.Join(err, n.Stop(ctx))
	}
	a.printBanner(n, time.Since(start))
	err = n.Wait(ctx)
	if err == nil {
		_, _ = fmt.Fprintln(a.errOut, "stopped; the data are in", a.dir)
	}
	return err
}

// runStories replays the stories on the first start and prints the resulting tables. A marker file per finished story
// lets the next start continue after an interruption.
func (a *app) runStories(ctx context.Context, n *network.Network) error {
	for _, s := range story.All() {
		marker := filepath.Join(a.dir, "stories", fmt.Sprint(s.Number))
		if _, err := os.Stat(marker); err == nil {
			continue
		}
		if err := a.runStory(ctx, n, s); err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(marker), 0o700), os.WriteFile(marker, nil, 0o600)); err != nil {
			return fmt.Errorf("stories: %w", err)
		}
	}
	result, err := reconcile.Wait(ctx, n.Client())
	if err != nil {
		return err
	}
	if result.Agrees() {
		return a.printTableT1(ctx, n.Client())
	}
	return nil
}

// printBanner prints all addresses, and commands to try.
func (a *app) printBanner(n *network.Network, elapsed time.Duration) {
	dirFlag := ""
	if a.dir != client.DefaultDir() || os.Getenv("PARI_DIR") != "" {
		dirFlag = " --dir " + a.dir
	}
	w := a.out
	_, _ = fmt.Fprintf(w, "Pari is up after %.1f s. ctrl-C stops it; data stay in %s\n\n", elapsed.Seconds(), a.dir)
	for _, s := range n.Services() {
		_, _ = fmt.Fprintf(w, "  %-24s %s\n", s, n.Addr[s])
	}
	_, _ = fmt.Fprintf(w, "  %-24s %s\n  %-24s 127.0.0.1:%d\n\n", "sign-in", n.Issuer(), "Postgres", n.Postgres.Port())
	identityDir := n.IdentityDir("console.cremona")
	_, _ = fmt.Fprintf(w, `In a second terminal:

  build/pari desk find --territory 019036 --ground DISABILITY%[1]s
  build/pari login --as operator-cremona%[1]s && build/pari report list%[1]s
  grpcurl -cacert %[2]s/ca.pem -cert %[2]s/cert.pem -key %[2]s/key.pem -d '{"names":["ground"]}' \
    %[3]s pari.directory.v1.DirectoryService/ListVocabularies

`, dirFlag, identityDir, n.Addr["directory"])
}
