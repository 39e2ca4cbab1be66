// Command intake runs the intake service of a node, migrates its databases, or repairs its feed.
package main

import (
	"os"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/intake/app"
)

func main() {
	os.Exit(service.Main("intake",
		service.Command[app.Config]{Name: "serve", Run: app.Run},
		service.Command[app.Config]{Name: "migrate", Run: app.Migrate},
		service.Command[app.Config]{Name: "repair-feed", Run: app.RepairFeed},
		service.Command[app.Config]{Name: "collect-keys", Run: app.CollectKeys},
		service.Command[app.Config]{Name: "list-handovers", Run: app.ListHandovers},
		service.Command[app.Config]{Name: "retry-handovers", Run: app.RetryHandovers},
		service.Command[app.Config]{Name: "reopen-handovers", Run: app.ReopenHandovers},
	))
}
