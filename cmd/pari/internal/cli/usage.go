package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/retepari/pari/cmd/pari/render"
)

// checkUsage makes errors of the command line uniform: an unknown command, flag or number of arguments is an error in
// the language of --lang with exit code 2, which names the command.
func (c *cli) checkUsage(root *cobra.Command) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		c.current = cmd
		return c.usagef("opzione sbagliata: %[1]s", "%[1]s", err.Error())
	})
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			visit(child)
		}
		if cmd.HasSubCommands() {
			cmd.Args = cobra.ArbitraryArgs
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				return c.unknownCommand(cmd, args[0])
			}
			return
		}
		check := cmd.Args
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check == nil || check(cmd, args) == nil {
				return nil
			}
			c.current = cmd
			return c.usagef("il comando è: %s", "the command is: %s", cmd.UseLine())
		}
	}
	visit(root)
}

func (c *cli) usagef(it, en string, args ...any) error {
	err := errorf(it, en, args...)
	err.usage = true
	return err
}

// unknownCommand names the unknown command and those with a similar name.
func (c *cli) unknownCommand(cmd *cobra.Command, name string) error {
	c.current = cmd
	cmd.SuggestionsMinimumDistance = 2
	err := errorf("comando sconosciuto: %s %s", "unknown command: %s %s", cmd.CommandPath(), render.Escape(name))
	err.usage = true
	var nearest []string
	for _, s := range cmd.SuggestionsFor(name) {
		nearest = append(nearest, cmd.CommandPath()+" "+s)
	}
	return err.withHint(strings.Join(append(nearest, cmd.CommandPath()+" --help"), ", "))
}
