// Command pari-dev runs a whole Pari network on one machine, checks it and measures it; see pari-dev --help.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/client"
)

// app holds the streams and the global flags that all commands share.
type app struct {
	out, errOut io.Writer

	dir    string
	format string
	lang   string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit code. A second interrupt ends the program at once.
func run(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := &app{out: out, errOut: errOut}
	root := a.rootCmd()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(ctx); err != nil {
		a.explain(err)
		return 1
	}
	return 0
}

func (a *app) rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use: "pari-dev", Short: "Run, check and measure a Pari network on this machine",
		Long: "Runs a centre and three nodes in one process, for trying and developing Pari. " +
			"Nothing here is for production.\nStart with `pari-dev up`, then use `pari` in a second terminal.",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.format != "table" && a.format != "json" {
				return fmt.Errorf("-o takes table or json, not %q", a.format)
			}
			if a.lang != "it" && a.lang != "en" {
				return fmt.Errorf("--lang takes it or en, not %q", a.lang)
			}
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.dir, "dir", client.DefaultDir(), "folder of the network; also PARI_DIR")
	flags.StringVarP(&a.format, "output", "o", "table", "table or json")
	flags.StringVar(&a.lang, "lang", "it", "language of tables and errors: it or en")
	root.AddCommand(a.upCmd(), a.demoCmd(), a.benchCmd())
	return root
}

func (a *app) printProgress(step string) { _, _ = fmt.Fprintln(a.errOut, "…", step) }
