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

// RunTerritories prints what a list of municipalities as ISTAT publishes it changes in the places of the directory, and writes
// it to the folder of the data only when told to, after reading the outcome back. It takes no configuration and no database.
func RunTerritories(out io.Writer, args []string) error {
	set := flag.NewFlagSet("territories", flag.ContinueOnError)
	set.SetOutput(out)
	date := set.String("date", time.Now().Format(time.DateOnly), "day from which the list holds")
	dir := set.String("data", "", "folder of the data; without it, the data in the program")
	write := set.Bool("write", false, "write changes.csv and provinces.csv in the folder of the data")
	if err := set.Parse(args); err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, *date)
	if err != nil || set.NArg() != 1 || *write && *dir == "" {
		return errors.New("usage: directory territories [-date YYYY-MM-DD] [-data FOLDER [-write]] FILE")
	}
	files := fs.FS(data.Files)
	if *dir != "" {
		files = os.DirFS(*dir)
	}
	list, err := os.Open(set.Arg(0))
	if err != nil {
		return err
	}
	defer func() { _ = list.Close() }() // it was only read
	places, err := territory.ParseFS(files)
	if err != nil {
		return err
	}
	plan, err := territory.NewPlan(list, places, day, "ISTAT, list of municipalities of "+*date)
	if err != nil {
		return fmt.Errorf("%s: %w", set.Arg(0), err)
	}
	if err := printPlan(out, plan); err != nil || !*write || plan.Empty() {
		return err
	}
	return writePlan(files, *dir, plan)
}

func printPlan(out io.Writer, plan territory.Plan) error {
	var b bytes.Buffer
	for _, p := range plan.Provinces {
		fmt.Fprintf(&b, "%-16s %s %s (%s)\n", "NEW_PROVINCE", p.Code, p.Name, p.Sign)
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
	fmt.Fprintf(&b, "%d changes and %d provinces from %s on\n", len(plan.Changes), len(plan.Provinces)+len(plan.EndedProvinces), plan.Day)
	_, err := b.WriteTo(out)
	return err
}

// writePlan writes the two files when the places can be read with them.
func writePlan(files fs.FS, dir string, plan territory.Plan) error {
	const changes, provinces = "territories/changes.csv", "territories/provinces.csv"
	oldChanges, err := fs.ReadFile(files, changes)
	if err != nil {
		return err
	}
	oldProvinces, err := fs.ReadFile(files, provinces)
	if err != nil {
		return err
	}
	newChanges, newProvinces, err := plan.Apply(oldChanges, oldProvinces)
	if err != nil {
		return err
	}
	after := overlay{FS: files, texts: map[string][]byte{changes: newChanges, provinces: newProvinces}}
	if _, err := territory.ParseFS(after); err != nil {
		return fmt.Errorf("nothing is written: %w", err)
	}
	for _, name := range []string{provinces, changes} {
		if err := os.WriteFile(filepath.Join(dir, name), after.texts[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// overlay is a file system in which some files have another text.
type overlay struct {
	fs.FS
	texts map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if text, ok := o.texts[name]; ok {
		return text, nil
	}
	return fs.ReadFile(o.FS, name)
}
