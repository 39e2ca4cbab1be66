// Command pari is the command line of a Pari network, for the people who work in it; see pari --help.
package main

import (
	"os"

	"github.com/retepari/pari/cmd/pari/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
