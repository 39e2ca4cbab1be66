// Command reporting counts the reports and cases of the regions, and serves their tables.
package main

import (
	"os"

	"github.com/retepari/pari/pkg/service"
	"github.com/retepari/pari/services/reporting/app"
)

func main() {
	os.Exit(service.Main("reporting",
		service.Command[app.Config]{Name: "serve", Run: app.Run},
		service.Command[app.Config]{Name: "migrate", Run: app.Migrate},
	))
}
