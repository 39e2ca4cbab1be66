package devpki

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

// CreateSigningKey creates an Ed25519 key in dir/<owner>.key.pem and its public half in publicDir/<owner>.pem, unless
// the private key exists. It returns the path of the private key. Owner is "<region>.<node>" or "centre".
func CreateSigningKey(owner, dir, publicDir string) (string, error) {
	path := filepath.Join(dir, owner+".key.pem")
	for _, d := range []string{dir, publicDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", fmt.Errorf("create signing key: %w", err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	if err := writePEM(filepath.Join(publicDir, owner+".pem"), "PUBLIC KEY", publicDER, 0o644); err != nil {
		return "", err
	}
	return path, writePEM(path, "PRIVATE KEY", privateDER, 0o600)
}
