// Package data holds what the directory serves: the code lists of the network (vocabularies), the places of Italy
// (territories) and the offices (offices), as files that people can read and review. It promises nothing about their
// content; the tests of the packages that read them do.
package data

import "embed"

// Files are vocabularies/<list>.yaml, territories/*.csv and offices/<office>.yaml.
//
//go:embed vocabularies/*.yaml territories/*.csv offices/*.yaml
var Files embed.FS
