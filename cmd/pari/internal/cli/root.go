// Package cli is the command line of Pari. Every command uses the public API with the identity of the signed-in person.
// Every error message ends with a command to try next.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/client"
	"github.com/retepari/pari/pkg/version"
)

// cli holds the streams and the global flags that all commands share.
type cli struct {
	in     io.Reader
	out    io.Writer
	errOut io.Writer
	// terminal says that out is one.
	terminal bool
	// dial connects to a service; tests replace it.
	dial func(network client.Network, service, system, token string) (*grpc.ClientConn, error)

	dir     string
	format  string
	lang    string
	as      string
	node    string
	replica string // --copy

	// user is the person whose session is used; empty without one.
	user string
	// namesUser says that a call of the directory names the latest to sign in.
	namesUser bool
	// current is the command that runs.
	current *cobra.Command
	// answered are the files of the requests that were answered, until the answers are written.
	answered []string
	// labels are the labels of codes, by list and code.
	labels map[string]map[string]string
}

// Main runs the command line and returns its exit code. A second interrupt ends the program at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return newCLI(in, out, errOut).run(ctx, args)
}

func newCLI(in io.Reader, out, errOut io.Writer) *cli {
	return &cli{in: in, out: out, errOut: errOut, terminal: isTerminal(out), dial: client.Network.Conn}
}

// run runs one command and returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.rootCmd()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.errOut)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		err = c.removeAnswered()
	case len(c.answered) > 0:
		err = &unwrittenError{cause: err}
	}
	if err != nil {
		return c.explain(err)
	}
	return 0
}

func (c *cli) rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use: "pari", Short: "Work with a Pari network",
		Long: "Pari is the open platform of a regional anti-discrimination network.\n" +
			"Try `pari desk find`, `pari login --as operator-cremona`, `pari report list`; " +
			"`make run` starts a network to try them on.",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			c.current = cmd
			if c.format != "table" && c.format != "json" {
				return errorf("-o è table o json, non %q", "-o takes table or json, not %q", c.format)
			}
			if c.lang != "it" && c.lang != "en" {
				return errorf("--lang è it o en, non %q", "--lang takes it or en, not %q", c.lang)
			}
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.dir, "dir", client.DefaultDir(), "folder of the network; also PARI_DIR")
	flags.StringVarP(&c.format, "output", "o", "table", "table or json")
	flags.StringVar(&c.lang, "lang", "it", "language of labels and errors: it or en")
	flags.StringVar(&c.as, "as", "", "user, for instance operator-cremona; default: the latest to sign in")
	flags.StringVar(&c.node, "node", "", "node, for instance cremona; default: that of the user")
	flags.StringVar(&c.replica, "copy", "",
		"ask the copy of the directory at this node instead of the centre, for instance cremona")
	root.AddCommand(
		c.loginCmd(), c.logoutCmd(), c.reportCmd(), c.caseCmd(), c.deskCmd(), c.placeCmd(), c.tableCmd(), c.feedCmd(),
		c.directoryCmd(), c.vocabularyCmd(), c.opsCmd(), c.versionCmd(),
	)
	c.checkUsage(root)
	return root
}

func (c *cli) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this build", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.out, "pari", version.Commit())
			return err
		},
	}
}
