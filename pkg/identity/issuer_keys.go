package identity

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	// renewKeysAfter is how old an issuer's keys may be before they are fetched again: a key that the issuer withdrew
	// must not stay valid.
	renewKeysAfter = 5 * time.Minute
	// maxKeysAge is how long keys are used while the issuer is away.
	maxKeysAge = time.Hour
)

// issuerKeys are the signing keys of an issuer as they were once, as verifiers by key id. Key id "" stands for all
// keys.
type issuerKeys struct {
	at        time.Time
	verifiers map[string]*oidc.IDTokenVerifier
}

// errUnknownKey is returned where the issuer may have a newer key that verifies the token.
var errUnknownKey = errors.New("unknown key")

// verify verifies a token with the key that its header names, or with each key when it names none.
func (k *issuerKeys) verify(ctx context.Context, keyID, raw string) (*oidc.IDToken, error) {
	verifier, ok := k.verifiers[keyID]
	if !ok {
		return nil, errUnknownKey
	}
	token, err := verifier.Verify(ctx, raw)
	if expired := (*oidc.TokenExpiredError)(nil); err != nil && keyID == "" && !errors.As(err, &expired) {
		return nil, fmt.Errorf("%w: %w", errUnknownKey, err)
	}
	return token, err
}

// signingAlgorithms are those that an issuer may choose from. All have a public key.
var signingAlgorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.EdDSA,
}

// currentKeys returns the issuer's keys. It waits for the issuer only while there are none that are young enough.
func (i *issuer) currentKeys(ctx context.Context) (*issuerKeys, error) {
	keys := i.keys.Load()
	if keys == nil {
		return i.renewKeys(ctx)
	}
	age := time.Since(keys.at)
	if age >= maxKeysAge {
		return i.renewKeys(ctx)
	}
	tried, now := i.renewedAt.Load(), time.Now()
	if age >= renewKeysAfter && now.Sub(time.Unix(0, tried)) >= rememberAnswer &&
		i.renewedAt.CompareAndSwap(tried, now.UnixNano()) {
		i.fetchOnce(context.WithoutCancel(ctx)) // nobody waits: these keys are good for a while
	}
	return keys, nil
}

// renewKeys fetches the issuer's keys and waits for them.
func (i *issuer) renewKeys(ctx context.Context) (*issuerKeys, error) {
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrIssuer, ctx.Err())
	case result := <-i.fetchOnce(context.WithoutCancel(ctx)): // others wait for it too, whatever becomes of this call
		if result.Err != nil {
			return nil, fmt.Errorf("%w: %w", ErrIssuer, result.Err)
		}
		keys, _ := result.Val.(*issuerKeys)
		return keys, nil
	}
}

// fetchOnce stores the issuer's keys. Callers at the same time share one fetch.
func (i *issuer) fetchOnce(ctx context.Context) <-chan singleflight.Result {
	return i.flight.DoChan("", func() (any, error) {
		keys, err := i.fetchKeys(ctx)
		if err != nil {
			return nil, err
		}
		i.keys.Store(keys)
		return keys, nil
	})
}

func (i *issuer) fetchKeys(ctx context.Context) (*issuerKeys, error) {
	keys := &issuerKeys{at: time.Now(), verifiers: map[string]*oidc.IDTokenVerifier{}}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.config.URL)
	if err != nil {
		return nil, err
	}
	var found struct {
		KeysURL    string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, err
	}
	found.Algorithms = slices.DeleteFunc(found.Algorithms, func(a string) bool {
		return !slices.Contains(signingAlgorithms, a)
	})
	public, err := i.fetchPublicKeys(ctx, found.KeysURL)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	for id, list := range public {
		keys.verifiers[id] = oidc.NewVerifier(i.config.URL, &oidc.StaticKeySet{PublicKeys: list}, &oidc.Config{
			ClientID: i.config.Audience, SupportedSigningAlgs: found.Algorithms,
		})
	}
	return keys, nil
}

// fetchPublicKeys returns the keys of a JWK set by key id, and all of them as "".
func (i *issuer) fetchPublicKeys(ctx context.Context, url string) (map[string][]crypto.PublicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := i.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered %d", resp.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		return nil, errors.New("the answer is not a set of keys")
	}
	public := map[string][]crypto.PublicKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// RFC 7517, 5: keys of other kinds are ignored.
		if json.Unmarshal(raw, &key) != nil || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue
		}
		public[""] = append(public[""], key.Key)
		if key.KeyID != "" {
			public[key.KeyID] = append(public[key.KeyID], key.Key)
		}
	}
	return public, nil
}
