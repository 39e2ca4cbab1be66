// Command pari runs, asks and measures a Pari network; see pari --help.
package main

import (
	"os"

	"github.com/retepari/pari/cmd/pari/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
