package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Ensure the Dockerfile builds every program as we do, and starts it as we do.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		fmt.Sprintf("USER %d:%d\n", user, user), "ENV PATH=/\n", "WORKDIR /\n", `ARG LDFLAGS="` + linkerFlags + `"`,
		"COPY --from=build /base/ /\n",
	}
	for _, p := range programs {
		stage := fmt.Sprintf("FROM base AS %s\nCOPY --from=build /out/%s /%s\nENTRYPOINT [\"/%s\"]\n", p.name, p.name, p.name,
			p.name)
		if p.command != "" {
			stage += fmt.Sprintf("CMD [%q]\n", p.command)
		}
		want = append(want, stage, fmt.Sprintf("-o /out/%s %s\n", p.name, p.source))
	}
	for _, w := range want {
		if !strings.Contains(string(text), w) {
			t.Errorf("deploy/Dockerfile lacks %q", w)
		}
	}
	if stages := strings.Count(string(text), "FROM base AS "); stages != len(programs) {
		t.Errorf("%d programs", stages)
	}
}

// Ensure the files for a Dockerfile are those of the images.
func TestWriteBase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := writeBase(dir); err != nil {
		t.Fatal(err)
	}
	_, data := contents(t, images(t, filepath.Join(buildHello(t), "hello"))["amd64"])
	for _, f := range baseFiles() {
		info, err := os.Stat(filepath.Join(dir, f.path))
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(dir, f.path)); err != nil || string(text) != string(data[f.path]) {
			t.Errorf("%s differs, %v", f.path, err)
		}
	}
}
