package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const created = "2026-11-23T10:00:00Z"

// newRepository returns a folder with a program that says hello, committed at a fixed time.
func newRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"go.mod":        "module example.org/hello\n\ngo 1.26.0\n",
		"hello/main.go": "package main\n\nfunc main() { println(\"ciao\") }\n",
	} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "a"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+created, "GIT_COMMITTER_DATE="+created)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return root
}

// buildHello builds the images of a new repository and returns the folder that they are in.
func buildHello(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	err := run(context.Background(), options{
		root: newRepository(t), out: out, repository: "localhost/pari", version: "v1",
		architectures: []string{"amd64", "arm64"}, programs: []program{{"hello", "./hello", "serve"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// images returns the images in a layout, by architecture.
func images(t *testing.T, dir string) map[string]v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := index.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]v1.Image{}
	for _, m := range manifest.Manifests {
		if found[m.Platform.Architecture], err = inner.Image(m.Digest); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// contents returns the files of an image with their modes, and their contents.
func contents(t *testing.T, image v1.Image) (listed []string, data map[string][]byte) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	data = map[string][]byte{}
	for _, layer := range layers {
		r, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for files := tar.NewReader(r); ; {
			header, err := files.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(mustTime(t)) {
				t.Errorf("%s: user %d, group %d, time %s", header.Name, header.Uid, header.Gid, header.ModTime)
			}
			listed = append(listed, fmt.Sprintf("%s %o", header.Name, header.Mode))
			if data[header.Name], err = io.ReadAll(files); err != nil {
				t.Fatal(err)
			}
		}
	}
	return listed, data
}

func mustTime(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Ensure an image holds the program, authorities and a user, nothing else, and starts the program as that user.
func TestImage(t *testing.T) {
	t.Parallel()
	out := buildHello(t)
	found := images(t, filepath.Join(out, "hello"))
	if len(found) != 2 {
		t.Fatalf("%d architectures", len(found))
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		config, err := found[arch].ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		c := config.Config
		if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/hello"}) ||
			!slices.Equal(c.Cmd, []string{"serve"}) || !config.Created.Equal(mustTime(t)) || config.Architecture != arch {
			t.Errorf("%s: %+v", arch, config)
		}
		listed, data := contents(t, found[arch])
		want := []string{
			"etc/ 755", "etc/group 644", "etc/passwd 644", "etc/ssl/ 755", "etc/ssl/certs/ 755",
			"etc/ssl/certs/ca-certificates.crt 644", "hello 755",
		}
		if !slices.Equal(listed, want) {
			t.Errorf("%s: files %v", arch, listed)
		}
		if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(data["etc/ssl/certs/ca-certificates.crt"]) {
			t.Errorf("%s: no certificate authority", arch)
		}
		if n := bytes.Count(data["etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN CERTIFICATE")); n < 100 {
			t.Errorf("%s: %d certificate authorities", arch, n)
		}
		program, err := elf.NewFile(bytes.NewReader(data["hello"]))
		if err != nil || program.Machine != machine {
			t.Errorf("%s: %v, %v", arch, program, err)
			continue
		}
		if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("%s: needs %v, %v", arch, libraries, err)
		}
		loaded, err := tarball.ImageFromPath(filepath.Join(out, "hello-"+arch+".tar"), nil)
		if err != nil {
			t.Fatal(err)
		}
		inTar, errTar := loaded.ConfigName()
		inLayout, errLayout := found[arch].ConfigName()
		if inTar != inLayout || errTar != nil || errLayout != nil {
			t.Errorf("%s: the tar holds %v, the layout %v, %v, %v", arch, inTar, inLayout, errTar, errLayout)
		}
	}
}

// Ensure the same commit gives the same files, wherever it lies.
func TestReproducible(t *testing.T) {
	t.Parallel()
	first, second := buildHello(t), buildHello(t)
	compared := 0
	err := filepath.WalkDir(first, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, first)
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(second + name)
		if compared++; !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
		return errors.Join(errA, errB)
	})
	if err != nil || compared < 12 { // tars, bills of materials, indexes, manifests, configurations and layers
		t.Errorf("%d files were compared, %v", compared, err)
	}
}

// Ensure the bill of materials names the program, its version and the standard library.
func TestSBOM(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join(buildHello(t), "hello-arm64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	c := bom.Metadata.Component
	if c.Name != "hello" || c.Version != "v1" || c.PackageURL != "pkg:golang/example.org/hello@v1" {
		t.Errorf("component %+v", c)
	}
	if len(*bom.Components) != 1 || (*bom.Components)[0].Name != "std" {
		t.Errorf("components %+v", bom.Components)
	}
}

// Ensure an image that is too large is not written.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	_, err := newImage(program{name: "hello"}, "amd64", make([]byte, maxSize+1), release{})
	if !errors.Is(err, errTooLarge) {
		t.Errorf("got %v", err)
	}
}
