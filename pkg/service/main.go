package service

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/retepari/pari/pkg/run"
)

// Command is what a program does when its first argument is Name: Run, or RunFiles for a command that needs no
// configuration. C is the program's configuration, RunFiles gets the arguments that follow the name.
type Command[C any] struct {
	Name     string
	Run      func(ctx context.Context, c C) error
	RunFiles func(args []string) error
}

// Main runs the command that the first argument names, with the configuration from the environment, until it ends or
// the program is told to stop. It returns the exit code.
func Main[C any](program string, commands ...Command[C]) int {
	return run.Main(func(ctx context.Context) error { return runCommand(ctx, program, os.Args[1:], commands) })
}

func runCommand[C any](ctx context.Context, program string, args []string, commands []Command[C]) error {
	names := make([]string, len(commands))
	for i, command := range commands {
		names[i] = command.Name
		if len(args) == 0 || args[0] != command.Name {
			continue
		}
		if command.RunFiles != nil {
			return command.RunFiles(args[1:])
		}
		c, err := FromEnv[C]()
		if err != nil {
			return err
		}
		return command.Run(ctx, c)
	}
	return fmt.Errorf("usage: %s %s, configured by PARI_ variables (see README.md)",
		program, strings.Join(names, " | "))
}
