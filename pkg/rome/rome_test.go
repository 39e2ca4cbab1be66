package rome

import (
	"archive/zip"
	"encoding/base64"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the toolchain, to compare with
)

var update = flag.Bool("update", false, "take over the zone of the toolchain")

// Ensure that the zone that is compiled in says what the toolchain's database says, at every hour of the years that there are
// answers for.
func TestZone(t *testing.T) {
	if *update {
		takeOver(t)
	}
	theirs, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for at, end := time.Date(1970, 1, 1, 0, 30, 0, 0, time.UTC), time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(time.Hour) {
		name, offset := at.In(Zone).Zone()
		if n, o := at.In(theirs).Zone(); n != name || o != offset {
			t.Fatalf("at %s it is %s %+d here, %s %+d there: go test ./pkg/rome -update", at, name, offset, n, o)
		}
	}
}

func takeOver(t *testing.T) {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	zones, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = zones.Close() }()
	f, err := zones.Open("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("rome.go")
	if err != nil {
		t.Fatal(err)
	}
	source = regexp.MustCompile(`const tzif = "[^"]*"`).ReplaceAll(source, []byte(`const tzif = "`+base64.StdEncoding.EncodeToString(raw)+`"`))
	if err := os.WriteFile("rome.go", source, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("taken over: run the test again without -update")
}
