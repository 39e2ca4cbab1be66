// Command casemanagement runs the case management service of a node, or migrates its databases.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/retepari/pari/pkg/run"
	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/casemanagement/app"
)

func main() {
	os.Exit(run.Main(func(ctx context.Context) error {
		c, err := service.FromEnv[app.Config]()
		if err != nil {
			return err
		}
		switch command := append(os.Args[1:], "")[0]; command {
		case "serve":
			return app.Run(ctx, c)
		case "migrate":
			return app.Migrate(ctx, c)
		default:
			return fmt.Errorf("usage: casemanagement serve | migrate, configured by PARI_ variables (see README.md)")
		}
	}))
}
