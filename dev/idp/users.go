package idp

import (
	"cmp"
	"slices"

	"github.com/retepari/pari/pkg/tenant"
)

// User is an invented person.
type User struct {
	// Name is the name for signing in, and the subject of the user's tokens.
	Name string
	// Groups are named after the grants that the file of issuers gives them: <region>/<node>/<role>.
	Groups []string
}

// Users returns an operator, a case worker, a coordinator and an editor for each node, given by its name, and an
// analyst, an auditor, an editor and a publisher of the centre.
func Users(nodes map[string]tenant.ID) []User {
	users := []User{
		{"analyst", []string{"all/centre/analyst"}},
		{"auditor", []string{"all/centre/auditor"}},
		{"editor", []string{"all/centre/editor"}},
		{"publisher", []string{"all/centre/publisher", "all/centre/editor"}},
	}
	for node, of := range nodes {
		at := of.String() + "/"
		users = append(users,
			User{"operator-" + node, []string{at + "operator"}},
			User{"worker-" + node, []string{at + "case_worker"}},
			User{"coordinator-" + node, []string{at + "coordinator", at + "case_worker"}},
			User{"editor-" + node, []string{at + "editor"}},
		)
	}
	slices.SortFunc(users, func(a, b User) int { return cmp.Compare(a.Name, b.Name) })
	return users
}
