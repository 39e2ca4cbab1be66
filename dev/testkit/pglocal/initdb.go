package pglocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func (s *Server) dataDir() string      { return filepath.Join(s.options.Dir, "data") }
func (s *Server) passwordFile() string { return filepath.Join(s.options.Dir, "password") }

// initialise runs initdb unless the directory holds a complete installation: a password and a PG_VERSION.
func (s *Server) initialise(ctx context.Context) error {
	if password, err := os.ReadFile(s.passwordFile()); err == nil {
		if _, err := os.Stat(filepath.Join(s.dataDir(), "PG_VERSION")); err == nil {
			s.password = strings.TrimSpace(string(password))
			return nil
		}
	}
	// Without both files the directory is what an interrupted first start left.
	if err := os.RemoveAll(s.dataDir()); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	s.password = hex.EncodeToString(raw[:])
	if err := os.WriteFile(s.passwordFile(), []byte(s.password), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	// Some builds of Postgres have no ICU.
	icu := []string{"--locale-provider=icu", "--icu-locale=it-IT"}
	if _, err := s.initdb(ctx, icu...); err == nil {
		return nil
	}
	if err := os.RemoveAll(s.dataDir()); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	output, err := s.initdb(ctx)
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

// initdb runs initdb and returns its output.
func (s *Server) initdb(ctx context.Context, extra ...string) (output string, err error) {
	args := []string{
		"-D", s.dataDir(), "-U", Superuser, "-A", "scram-sha-256", "--pwfile", s.passwordFile(),
		"-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
	}
	if !s.options.Durable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), append(args, extra...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := unprivileged(cmd, s.options.Dir); err != nil {
		return "", err
	}
	err = cmd.Run()
	return strings.TrimSpace(out.String()), err
}
