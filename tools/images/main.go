// Command images builds the container images of Pari without a container engine.
//
//	go run . -root ../.. -out ../../build/images
//
// Each program gets an image for each architecture, from scratch: the program, certificate authorities, and a user
// without rights. Written are, for each program: NAME, a folder in the OCI image layout that holds all architectures;
// NAME-ARCH.tar, which `docker load`, `podman load` and `ctr images import` read; NAME-ARCH.cdx.json, its bill of
// materials (CycloneDX). The images are reproducible: the same commit and the same version of Go give the same digests.
// Files have the time of the commit. The zone database is linked into the programs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// programs are what images are made of: their names and their packages.
var programs = []program{
	{"intake", "./services/intake", "serve"},
	{"casemanagement", "./services/casemanagement", "serve"},
	{"directory", "./services/directory", "serve"},
	{"reporting", "./services/reporting", "serve"},
	{"pari", "./cmd/pari", ""},
}

type program struct {
	name, source string
	command      string // the first argument where none is given
}

func main() {
	root := flag.String("root", ".", "root of the repository")
	out := flag.String("out", "build/images", "folder that the images are written to")
	repository := flag.String("repository", "localhost/pari", "prefix of the images' names")
	version := flag.String("version", "", "version and tag; the commit where empty")
	architectures := flag.String("arch", "amd64,arm64", "architectures")
	base := flag.String("base", "", "write only the files beside the programs, into this folder")
	flag.Parse()
	if *base != "" {
		if err := writeBase(*base); err != nil {
			fmt.Fprintln(os.Stderr, "images:", err)
			os.Exit(1)
		}
		return
	}
	err := run(context.Background(), options{
		root: *root, out: *out, repository: *repository, version: *version, programs: programs,
		architectures: strings.Split(*architectures, ","),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

type options struct {
	root, out, repository, version string
	architectures                  []string
	programs                       []program
}

func run(ctx context.Context, o options) error {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	commit, created, err := lastCommit(ctx, root)
	if err != nil {
		return err
	}
	r := release{repository: o.repository, version: o.version, commit: commit, created: created}
	if r.version == "" {
		r.version = commit[:12]
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // images are no secret
		return err
	}
	for _, p := range o.programs {
		images, err := buildImages(ctx, root, o, p, r)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		digest, err := writeLayout(filepath.Join(o.out, p.name), images, r)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%s/%s:%s@%s\n", o.repository, p.name, r.version, digest)
	}
	return nil
}

// buildImages builds a program for each architecture, and writes a tar and a bill of materials of each.
func buildImages(ctx context.Context, root string, o options, p program, r release) ([]platformImage, error) {
	var images []platformImage
	for _, arch := range o.architectures {
		binary, err := build(ctx, root, p.source, arch)
		if err != nil {
			return nil, err
		}
		image, err := newImage(p, arch, binary, r)
		if err != nil {
			return nil, err
		}
		base := filepath.Join(o.out, p.name+"-"+arch)
		if err := errors.Join(writeTar(base+".tar", image, p, r), writeSBOM(base+".cdx.json", p, binary, r)); err != nil {
			return nil, err
		}
		images = append(images, platformImage{image, arch})
	}
	return images, nil
}

// linkerFlags leave out symbols, and the identifier that tells how a program was built.
const linkerFlags = "-s -w -buildid="

// build returns a program for Linux.
func build(ctx context.Context, root, source, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "pari-images-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", linkerFlags, "-o", binary, source)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOWORK=", "GOAMD64=v1")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build for %s: %w", arch, err)
	}
	return os.ReadFile(binary)
}

// lastCommit returns the commit that is checked out and its time.
func lastCommit(ctx context.Context, root string) (commit string, at time.Time, err error) {
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%H %ct")
	cmd.Dir = root
	text, err := cmd.Output()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read the commit: %w", err)
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("time of the commit: %w", err)
	}
	return commit, time.Unix(unix, 0).UTC(), nil
}
