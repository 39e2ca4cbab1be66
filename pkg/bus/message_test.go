package bus_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

func TestOpenMsg(t *testing.T) {
	t.Parallel()
	keys := bus.NewPublicKeys("centre", testSigner().Public())
	watermark := &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 7}
	seal := func() *nats.Msg {
		m, err := bus.SignMessage(cremona.WatermarkSubject(), watermark, testSigner())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	var got feedv1.Watermark
	if err := bus.VerifyMessage(seal(), "centre", keys, &got); err != nil || !proto.Equal(&got, watermark) {
		t.Fatalf("got %v, %v", &got, err)
	}
	for name, forge := range map[string]func(*nats.Msg){
		"body":         func(m *nats.Msg) { m.Data = append(m.Data, 0x18, 1) },
		"subject":      func(m *nats.Msg) { m.Subject = "pari.down.v1.lombardia.milano.watermark.intake" },
		"no signature": func(m *nats.Msg) { m.Header = nil },
		"bad base64":   func(m *nats.Msg) { m.Header["Pari-Signature"] = []string{"?"} },
		"unknown key":  func(m *nats.Msg) { m.Header["Pari-Key-Id"] = []string{"?"} },
	} {
		t.Run(name, func(t *testing.T) {
			m := seal()
			forge(m)
			if err := bus.VerifyMessage(m, "centre", keys, &feedv1.Watermark{}); !errors.Is(err, bus.ErrSignature) {
				t.Fatalf("got %v, wants ErrSignature", err)
			}
		})
	}
	// Ensure that a heartbeat cannot be passed off as a watermark, though their bytes may agree.
	m, err := bus.SignMessage(cremona.WatermarkSubject(), &feedv1.Heartbeat{Source: "intake", LastSeq: 7}, testSigner())
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.VerifyMessage(m, "centre", keys, &got); !errors.Is(err, bus.ErrSignature) {
		t.Fatalf("got %v, wants ErrSignature", err)
	}
	// Ensure that the centre's key counts for the centre only.
	if err := bus.VerifyMessage(seal(), "lombardia.cremona", keys, &got); !errors.Is(err, bus.ErrSignature) {
		t.Fatalf("got %v, wants ErrSignature", err)
	}
}

func publicPEM(t *testing.T, signers ...*bus.Signer) []byte {
	t.Helper()
	var raw []byte
	for _, s := range signers {
		der, err := x509.MarshalPKIXPublicKey(s.Public())
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return raw
}

func write(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "lombardia.cremona.pem")
	write(t, file, publicPEM(t, testSigner()))
	write(t, filepath.Join(dir, "README"), []byte("not a key"))
	keys, err := bus.LoadPublicKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := signed(t)
	if err := e.Verify(keys); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.LoadPublicKeys(filepath.Join(dir, "missing")); err == nil {
		t.Fatal("a missing directory was accepted")
	}
	write(t, filepath.Join(dir, "bad.pem"), []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	if _, err := bus.LoadPublicKeys(dir); err == nil {
		t.Fatal("a broken key was accepted")
	}
}

func TestLoadSigner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, raw := range map[string][]byte{
		"no pem":   []byte("hello"),
		"not pkcs": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
	} {
		write(t, filepath.Join(dir, "key.pem"), raw)
		if _, err := bus.LoadSigner(filepath.Join(dir, "key.pem")); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := bus.LoadSigner(filepath.Join(dir, "missing.pem")); err == nil {
		t.Error("a missing file was accepted")
	}
}
