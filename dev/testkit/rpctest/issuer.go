package rpctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// issuer is an OIDC issuer: a discovery document and the public key of its access tokens.
type issuer struct {
	server *httptest.Server
	key    jose.JSONWebKey
	public jose.JSONWebKey
}

func startIssuer(t testing.TB) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "test", Algorithm: string(jose.ES256), Use: "sig"}
	i := &issuer{key: jwk, public: jwk.Public()}
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

// issuerName is the issuer's name in the file of issuers.
const issuerName = "test"

// configuration returns a file of issuers in which each group is named after the grant that it gives.
func (i *issuer) configuration() []byte {
	tenants := []string{
		"all/centre", "lombardia/centre", "piemonte/centre", "umbria/centre",
		"lombardia/mantova", "lombardia/livo", "trentino-alto-adige/livo", // there are two municipalities of this name
	}
	for _, region := range []string{"lombardia", "piemonte"} {
		for _, node := range []string{"cremona", "cuneo", "milano"} {
			tenants = append(tenants, region+"/"+node)
		}
	}
	groups := map[string][]map[string]string{}
	for _, t := range tenants {
		for number, name := range accessv1.Role_name {
			if number != 0 {
				role := strings.ToLower(strings.TrimPrefix(name, "ROLE_"))
				groups[t+"/"+role] = []map[string]string{{"role": role, "tenant": t}}
			}
		}
	}
	raw, err := json.Marshal(map[string]any{"issuers": []any{map[string]any{ // JSON is YAML too
		"name": issuerName, "url": i.url(), "tenants": tenants, "audience": Audience, "groups": groups,
	}}})
	if err != nil {
		panic(err)
	}
	return raw
}

// Audience is what tokens name as their audience.
const Audience = "pari"

// sign returns a token with claims over valid defaults.
func (i *issuer) sign(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, options)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	all := map[string]any{
		"iss": i.url(), "aud": Audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
