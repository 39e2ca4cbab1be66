// Package cli is the command line of Pari. Every command asks through the public API, as whoever is signed in; every error
// ends with what to try next.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/client"
)

// cli is what all commands share: where they write and the options that all of them take.
type cli struct {
	in     io.Reader
	out    io.Writer
	errOut io.Writer

	dir    string
	format string
	lang   string
	as     string
	node   string
	copy   string
}

// Main runs the command line and returns its exit code. A second interrupt ends the program at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	c := &cli{in: in, out: out, errOut: errOut}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(ctx); err != nil {
		c.explain(err)
		return 1
	}
	return 0
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use: "pari", Short: "Work with a Pari network",
		Long:          "Pari is the open platform of a regional anti-discrimination network.\nTry `pari desk find`, `pari login --as operator-cremona`, `pari report list`; `make run` starts a network to try them on.",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if c.format != "table" && c.format != "json" {
				return fmt.Errorf("-o takes table or json, not %q", c.format)
			}
			if c.lang != "it" && c.lang != "en" {
				return fmt.Errorf("--lang takes it or en, not %q", c.lang)
			}
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.dir, "dir", client.DefaultDir(), "folder of the network; also PARI_DIR")
	flags.StringVarP(&c.format, "output", "o", "table", "table or json")
	flags.StringVar(&c.lang, "lang", "it", "language of labels and errors: it or en")
	flags.StringVar(&c.as, "as", "", "who asks, for instance operator-cremona; else who signed in last")
	flags.StringVar(&c.node, "node", "", "node, for instance cremona; else that of who asks")
	flags.StringVar(&c.copy, "copy", "", "ask the copy of the directory at this node instead of the centre, for instance cremona")
	root.AddCommand(c.login(), c.logout(), c.report(), c.casework(), c.desk(), c.place(), c.table(), c.feed(), c.directory(), c.vocabulary(), c.version())
	return root
}

// access reads where the network is.
func (c *cli) access() (client.Network, error) { return client.Load(c.dir) }

// ask connects to a service as whoever asks and calls it.
func (c *cli) ask(ctx context.Context, service string, call func(ctx context.Context, conn *grpc.ClientConn) error) error {
	a, err := c.access()
	if err != nil {
		return err
	}
	var token string
	console := client.Console(service)
	if service != "directory" || c.as != "" { // whose answers are for everybody; who changes it says who it is
		if token, err = c.token(); err != nil {
			return err
		}
	}
	if service == "directory" && c.node != "" && c.as != "" {
		console = "console." + c.node
	}
	if service == "intake" || service == "casemanagement" {
		if c.node == "" {
			return errors.New("which node? Say --node, for instance --node cremona")
		}
		service += "." + c.node
		console = client.Console(service)
	}
	if service == "directory" && c.copy != "" {
		service += "." + c.copy
		console = client.Console(service)
	}
	conn, err := a.Conn(service, console, token)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return call(ctx, conn)
}

func (c *cli) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which build this is", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(c.out, "pari", buildVersion())
		return err
	}}
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
