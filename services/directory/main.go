// Command directory serves the offices and the code lists of the network. README.md describes its commands and
// settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/directory/app"
)

func main() {
	os.Exit(run.Main(func(ctx context.Context) error {
		if len(os.Args) > 1 && os.Args[1] == "territories" {
			return app.RunTerritories(os.Stdout, os.Args[2:])
		}
		c, err := service.FromEnv[app.Config]()
		if err != nil {
			return err
		}
		switch command := append(os.Args[1:], "")[0]; command {
		case "serve":
			return app.Run(ctx, c)
		case "migrate":
			return app.Migrate(ctx, c)
		case "load":
			result, err := app.Load(ctx, c)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(os.Stdout, "revision %d: %d lists and %d entries changed\n",
				result.Revision, len(result.Lists), len(result.Entries))
			return err
		default:
			return errors.New(
				"usage: directory serve | migrate | load | territories, configured by PARI_ variables (see README.md)")
		}
	}))
}
