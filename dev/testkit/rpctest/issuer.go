package rpctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/retepari/pari/pkg/identity"
)

// issuer is an OIDC issuer: a discovery document and the public key of its access tokens.
type issuer struct {
	server *httptest.Server
	signer jose.Signer
	public jose.JSONWebKey
}

func startIssuer(t testing.TB) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "test", Algorithm: string(jose.ES256), Use: "sig"}
	options := (&jose.SignerOptions{}).WithType("at+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jwk}, options)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{signer: signer, public: jwk.Public()}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", i.serveConfiguration)
	mux.HandleFunc("/keys", i.serveKeys)
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

func (i *issuer) url() string { return i.server.URL }

func (i *issuer) serveConfiguration(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer":                                i.url(),
		"jwks_uri":                              i.url() + "/keys",
		"authorization_endpoint":                i.url() + "/auth",
		"token_endpoint":                        i.url() + "/token",
		"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	})
}

func (i *issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.public}})
}

// sign returns a token with claims over valid defaults.
func (i *issuer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	all := map[string]any{
		"iss": i.url(), "aud": identity.Audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := i.signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
