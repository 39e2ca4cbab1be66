package idp

import (
	"cmp"
	"slices"
)

// User is an invented person with grants.
type User struct {
	// Name is the name for signing in, and the subject of the user's tokens.
	Name   string
	Grants []string
}

// Users returns an operator, a case worker, a coordinator and an editor for each node, given with its region, and an
// analyst, an auditor, an editor and a publisher of the centre.
func Users(regionByNode map[string]string) []User {
	users := []User{
		{"analyst", []string{"all/centre/analyst"}},
		{"auditor", []string{"all/centre/auditor"}},
		{"editor", []string{"all/centre/editor"}},
		{"publisher", []string{"all/centre/publisher", "all/centre/editor"}},
	}
	for node, region := range regionByNode {
		at := region + "/" + node + "/"
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
