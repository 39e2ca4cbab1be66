// Command directory serves the offices and the code lists of the network. README.md describes its commands and
// settings.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/directory/app"
)

func main() {
	os.Exit(service.Main("directory",
		service.Command[app.Config]{Name: "serve", Run: app.Run},
		service.Command[app.Config]{Name: "migrate", Run: app.Migrate},
		service.Command[app.Config]{Name: "load", Run: load},
		service.Command[app.Config]{Name: "repair-feed", Run: app.RepairFeed},
		service.Command[app.Config]{Name: "territories", RunFiles: territories},
	))
}

func load(ctx context.Context, c app.Config) error {
	result, err := app.Load(ctx, c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "revision %d: %d lists and %d entries changed\n",
		result.Revision, len(result.Lists), len(result.Entries))
	return err
}

func territories(args []string) error { return app.RunTerritories(os.Stdout, args) }
