// Command casemanagement runs the case management service of a node, or migrates its databases.
package main

import (
	"os"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/casemanagement/app"
)

func main() {
	os.Exit(service.Main("casemanagement",
		service.Command[app.Config]{Name: "serve", Run: app.Run},
		service.Command[app.Config]{Name: "migrate", Run: app.Migrate},
		service.Command[app.Config]{Name: "repair-feed", Run: app.RepairFeed},
		service.Command[app.Config]{Name: "collect-keys", Run: app.CollectKeys},
		service.Command[app.Config]{Name: "list-cases", Run: app.ListCases},
	))
}
