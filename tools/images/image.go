package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the programs run as.
const user = 65532

// release is what all images of one build have in common.
type release struct {
	repository, version, commit string
	created                     time.Time
}

// platformImage is the image of one architecture.
type platformImage struct {
	v1.Image

	arch string
}

// file is one entry of a layer.
type file struct {
	path string
	mode uint32
	data []byte // nil for a folder
}

// maxSize is the largest size of a program, so that an image stays below 45 MB.
const maxSize = 44 << 20

var errTooLarge = errors.New("the program is too large for an image")

// newImage returns the image of a program.
func newImage(p program, arch string, binary []byte, r release) (v1.Image, error) {
	if len(binary) > maxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errTooLarge, len(binary), maxSize)
	}
	base, err := newLayer(r.created, baseFiles())
	if err != nil {
		return nil, err
	}
	own, err := newLayer(r.created, []file{{p.name, 0o755, binary}})
	if err != nil {
		return nil, err
	}
	// The layer that changes seldom comes first, so that hosts fetch it once.
	image, err := mutate.AppendLayers(mutate.MediaType(
		mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), base, own)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: r.created}
	for i := range config.History {
		config.History[i].Created = v1.Time{Time: r.created}
	}
	config.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", user, user), WorkingDir: "/", Entrypoint: []string{"/" + p.name},
		Env: []string{"PATH=/"}, Labels: labels(p, r),
	}
	if p.command != "" {
		config.Config.Cmd = []string{p.command}
	}
	return mutate.ConfigFile(image, config)
}

// baseFiles are what every image holds beside its program.
func baseFiles() []file {
	return []file{
		{"etc/", 0o755, nil},
		{"etc/group", 0o644, fmt.Appendf(nil, "nonroot:x:%d:\n", user)},
		{"etc/passwd", 0o644, fmt.Appendf(nil, "nonroot:x:%d:%d:nonroot:/:/sbin/nologin\n", user, user)},
		{"etc/ssl/", 0o755, nil},
		{"etc/ssl/certs/", 0o755, nil},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities()},
	}
}

// writeBase writes the base files into a folder, for a Dockerfile.
func writeBase(dir string) error {
	for _, f := range baseFiles() {
		path := filepath.Join(dir, f.path)
		var err error
		if strings.HasSuffix(f.path, "/") {
			err = os.MkdirAll(path, os.FileMode(f.mode))
		} else {
			err = os.WriteFile(path, f.data, os.FileMode(f.mode))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func labels(p program, r release) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":    p.name,
		"org.opencontainers.image.version":  r.version,
		"org.opencontainers.image.revision": r.commit,
		"org.opencontainers.image.created":  r.created.Format(time.RFC3339),
	}
}

// newLayer returns a layer of files that belong to root and that nobody may change.
func newLayer(at time.Time, files []file) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		header := &tar.Header{Name: f.path, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: at, Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.path, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// authorities returns the certificate authorities that Mozilla trusts, for providers of identities outside the network.
// It leaves out those that are trusted for old certificates only: a file of certificates cannot say so.
func authorities() []byte {
	var text []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	return text
}

// writeTar writes an image in the form that container engines load.
func writeTar(path string, image v1.Image, p program, r release) error {
	tag, err := name.NewTag(r.repository + "/" + p.name + ":" + r.version)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, image)
}

// writeLayout writes the images of all architectures as one index. It returns the digest of the index.
func writeLayout(dir string, images []platformImage, r release) (v1.Hash, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: image.arch},
		}})
	}
	if err := os.RemoveAll(dir); err != nil {
		return v1.Hash{}, err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return v1.Hash{}, err
	}
	err = path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": r.version,
	}))
	if err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}
