// Package version tells what a program was built from.
package version

import "runtime/debug"

// Commit returns the commit that the program was built from. It is what Go calls the version of the main module, mostly
// "(devel)", when the sources were not in a repository.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
