// Package data holds what the directory serves: the code lists of the network (vocabularies), the places of Italy
// (territories) and the entries (a folder per kind), as files that people can read and review. It promises nothing
// about their content; the tests of the packages that read them do.
package data

import "embed"

// Files are vocabularies/<list>.yaml, territories/*.csv and <kind>/<id>.yaml.
//
//go:embed vocabularies/*.yaml territories/*.csv
//go:embed body/*.yaml node/*.yaml network/*.yaml office/*.yaml act/*.yaml
//go:embed initiative/*.yaml course/*.yaml room/*.yaml programme/*.yaml
var Files embed.FS
