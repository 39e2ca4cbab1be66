package devidp

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/cors"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"github.com/zitadel/schema"
)

// Where the provider answers.
const (
	authorizePath = "/authorize"
	callbackPath  = "/authorize/callback"
	exchangePath  = "/oauth/token"
	userinfoPath  = "/userinfo"
	keysPath      = "/keys"
)

// endpoints are what the code flow needs, each answered by the library. Its own router, op.NewProvider, also answers by
// form_post, through a template, and a template keeps every exported method of the program in the binary.
type endpoints struct {
	storage *storage
	issuer  string
	crypto  op.Crypto
	decoder *schema.Decoder
	encoder *schema.Encoder
}

func newEndpoints(issuer string, s *storage) (*endpoints, error) {
	if err := op.ValidateIssuer(issuer, false); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	e := &endpoints{storage: s, issuer: issuer, crypto: op.NewAES256GCMCrypto(key, ""), decoder: schema.NewDecoder(), encoder: oidc.NewEncoder()}
	e.decoder.IgnoreUnknownKeys(true)
	return e, nil
}

func (e *endpoints) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(oidc.DiscoveryEndpoint, e.discovery)
	mux.HandleFunc(authorizePath, func(w http.ResponseWriter, r *http.Request) { op.Authorize(w, r, e) })
	mux.HandleFunc(callbackPath, e.callback)
	mux.HandleFunc(exchangePath, func(w http.ResponseWriter, r *http.Request) { op.Exchange(w, r, e) })
	mux.HandleFunc(userinfoPath, func(w http.ResponseWriter, r *http.Request) { op.Userinfo(w, r, e) })
	mux.HandleFunc(keysPath, func(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, e.storage) })
	withIssuer := op.NewIssuerInterceptor(func(*http.Request) string { return e.issuer })
	return cors.AllowAll().Handler(withIssuer.Handler(mux)) // a console may run in a browser
}

func (e *endpoints) discovery(w http.ResponseWriter, _ *http.Request) {
	op.Discover(w, &oidc.DiscoveryConfiguration{
		Issuer:                e.issuer,
		AuthorizationEndpoint: e.issuer + authorizePath, TokenEndpoint: e.issuer + exchangePath,
		UserinfoEndpoint: e.issuer + userinfoPath, JwksURI: e.issuer + keysPath,
		ScopesSupported:                   []string{oidc.ScopeOpenID},
		ClaimsSupported:                   []string{"sub", "aud", GrantsClaim},
		ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:            []string{string(oidc.ResponseModeQuery), string(oidc.ResponseModeFragment)},
		GrantTypesSupported:               []oidc.GrantType{oidc.GrantTypeCode},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{string(jose.ES256)},
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodNone},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
	})
}

// afterLogin is where a person goes who has signed in.
func (e *endpoints) afterLogin(id string) string {
	return e.issuer + callbackPath + "?id=" + url.QueryEscape(id)
}

// callback sends who has signed in back to the client, with a code.
func (e *endpoints) callback(w http.ResponseWriter, r *http.Request) {
	id, err := op.ParseAuthorizeCallbackRequest(r)
	if err != nil {
		op.AuthRequestError(w, r, nil, err, e)
		return
	}
	request, err := e.storage.AuthRequestByID(r.Context(), id)
	if err != nil {
		op.AuthRequestError(w, r, nil, err, e)
		return
	}
	if !request.Done() {
		op.AuthRequestError(w, r, request, oidc.ErrInteractionRequired().WithDescription("nobody has signed in yet"), e)
		return
	}
	back, err := op.BuildAuthResponseCallbackURL(r.Context(), request, e)
	if err != nil {
		op.AuthRequestError(w, r, request, err, e)
		return
	}
	http.Redirect(w, r, back, http.StatusFound)
}

// What follows implements op.Authorizer, op.Exchanger and op.UserinfoProvider.

func (e *endpoints) Storage() op.Storage         { return e.storage }
func (e *endpoints) Crypto() op.Crypto           { return e.crypto }
func (e *endpoints) Decoder() httphelper.Decoder { return e.decoder }
func (e *endpoints) Encoder() httphelper.Encoder { return e.encoder }
func (e *endpoints) Logger() *slog.Logger        { return slog.Default() }
func (e *endpoints) AccessTokenVerifier(context.Context) *op.AccessTokenVerifier {
	return op.NewAccessTokenVerifier(e.issuer, &op.OpenIDKeySet{Storage: e.storage})
}

func (e *endpoints) IDTokenHintVerifier(context.Context) *op.IDTokenHintVerifier {
	return op.NewIDTokenHintVerifier(e.issuer, &op.OpenIDKeySet{Storage: e.storage})
}
func (e *endpoints) RequestObjectSupported() bool              { return false }
func (e *endpoints) AuthMethodPostSupported() bool             { return false }
func (e *endpoints) AuthMethodPrivateKeyJWTSupported() bool    { return false }
func (e *endpoints) GrantTypeRefreshTokenSupported() bool      { return false }
func (e *endpoints) GrantTypeTokenExchangeSupported() bool     { return false }
func (e *endpoints) GrantTypeJWTAuthorizationSupported() bool  { return false }
func (e *endpoints) GrantTypeClientCredentialsSupported() bool { return false }
func (e *endpoints) GrantTypeDeviceCodeSupported() bool        { return false }
