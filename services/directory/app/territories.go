package app

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/retepari/pari/services/directory/data"
	"github.com/retepari/pari/services/directory/internal/territory"
)

// RunTerritories compares a list of municipalities, as ISTAT publishes it, with the territories of the directory and
// prints the changes. With -write it also writes them to the data folder, unless the result would not parse. It needs
// neither configuration nor database.
func RunTerritories(out io.Writer, args []string) error {
	flags := flag.NewFlagSet("territories", flag.ContinueOnError)
	flags.SetOutput(out)
	date := flags.String("date", time.Now().Format(time.DateOnly), "day from which the list holds")
	dir := flags.String("data", "", "folder of the data; without it, the data in the program")
	write := flags.Bool("write", false, "write changes.csv and provinces.csv in the folder of the data")
	if err := flags.Parse(args); err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, *date)
	if err != nil || flags.NArg() != 1 || *write && *dir == "" {
		return errors.New("usage: directory territories [-date YYYY-MM-DD] [-data FOLDER [-write]] FILE")
	}
	fsys := fs.FS(data.Files)
	if *dir != "" {
		fsys = os.DirFS(*dir)
	}
	file, err := os.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	places, err := territory.ParseFS(fsys)
	if err != nil {
		return err
	}
	plan, err := territory.NewPlan(file, places, day, "ISTAT, list of municipalities of "+*date)
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	if err := printPlan(out, plan); err != nil || !*write || plan.Empty() {
		return err
	}
	return writePlan(fsys, *dir, plan)
}

func printPlan(out io.Writer, plan territory.Plan) error {
	var b bytes.Buffer
	for _, p := range plan.Provinces {
		fmt.Fprintf(&b, "%-16s %s %s (%s)\n", "NEW_PROVINCE", p.Code, p.Name, p.Abbreviation)
	}
	for _, code := range plan.EndedProvinces {
		fmt.Fprintf(&b, "%-16s %s\n", "ENDED_PROVINCE", code)
	}
	for _, c := range plan.Changes {
		fmt.Fprintf(&b, "%-16s %s %s", c.Kind, c.Code, c.Name)
		if c.Successor != "" {
			fmt.Fprintf(&b, " -> %s", c.Successor)
		}
		fmt.Fprintln(&b)
	}
	provinces := len(plan.Provinces) + len(plan.EndedProvinces)
	fmt.Fprintf(&b, "%d changes and %d provinces from %s on\n", len(plan.Changes), provinces, plan.Day)
	_, err := b.WriteTo(out)
	return err
}

// writePlan applies a plan to the two files. It writes them only if the territories parse with the new content.
func writePlan(fsys fs.FS, dir string, plan territory.Plan) error {
	const changes, provinces = "territories/changes.csv", "territories/provinces.csv"
	oldChanges, err := fs.ReadFile(fsys, changes)
	if err != nil {
		return err
	}
	oldProvinces, err := fs.ReadFile(fsys, provinces)
	if err != nil {
		return err
	}
	newChanges, newProvinces, err := plan.Apply(oldChanges, oldProvinces)
	if err != nil {
		return err
	}
	after := overlay{FS: fsys, contents: map[string][]byte{changes: newChanges, provinces: newProvinces}}
	if _, err := territory.ParseFS(after); err != nil {
		return fmt.Errorf("nothing is written: %w", err)
	}
	for _, name := range []string{provinces, changes} {
		if err := os.WriteFile(filepath.Join(dir, name), after.contents[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// overlay is a file system that replaces the content of some files.
type overlay struct {
	fs.FS
	contents map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if content, ok := o.contents[name]; ok {
		return content, nil
	}
	return fs.ReadFile(o.FS, name)
}
