package identity

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/retepari/pari/pkg/tenant"
)

// accessTokenType is the header "typ" of access tokens (RFC 9068).
const accessTokenType = "at+jwt"

// issuerConfig is one issuer in the file of issuers.
type issuerConfig struct {
	// Name follows the subject of its people in records: anna@cremona. It never changes.
	Name string `yaml:"name"`
	// URL is the issuer's identifier, the claim "iss".
	URL string `yaml:"url"`
	// CAFile is the authority of its certificate, where that is not a public one.
	CAFile string `yaml:"ca_file"`
	// Tenants are those that the issuer speaks for. Without a centre among them it can give no role of a centre.
	Tenants []tenant.ID `yaml:"tenants"`
	// Audience must be in the claim "aud".
	Audience string `yaml:"audience"`
	// TokenType is the header "typ" of its access tokens. Any other than at+jwt needs Claims.
	TokenType string `yaml:"token_type"`
	// Claims tell an access token from an ID token where the header does not: each claim has the value, holds it in a
	// list, or holds it among words.
	Claims map[string]string `yaml:"claims"`
	// GroupsClaim is the path of the claim that lists a person's groups, for instance realm_access.roles.
	GroupsClaim string `yaml:"groups_claim"`
	// Groups gives the grants of each group.
	Groups map[string][]grantText `yaml:"groups"`

	groups map[string][]Grant
}

// parseIssuers reads the file of issuers and returns them by URL.
func parseIssuers(raw []byte, read func(string) ([]byte, error)) (map[string]*issuer, error) {
	var file struct {
		Issuers []issuerConfig `yaml:"issuers"`
	}
	if err := decodeYAML(raw, &file); err != nil {
		return nil, err
	}
	issuers, names := map[string]*issuer{}, map[string]bool{}
	for _, c := range file.Issuers {
		if err := c.complete(); err != nil {
			return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
		}
		if _, double := issuers[c.URL]; double || names[c.Name] {
			return nil, fmt.Errorf("issuer %q: name and url must be unique", c.Name)
		}
		i, err := newIssuer(c, read)
		if err != nil {
			return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
		}
		issuers[c.URL], names[c.Name] = i, true
	}
	return issuers, nil
}

// complete checks the configuration, fills in defaults and resolves the grants.
func (c *issuerConfig) complete() error {
	if c.Audience == "" {
		c.Audience = "pari"
	}
	if c.TokenType == "" {
		c.TokenType = accessTokenType
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = "groups"
	}
	u, err := url.Parse(c.URL)
	switch {
	case !tenant.ValidName(c.Name):
		return errors.New("a name of lower-case letters, digits and hyphens is missing")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1":
		return errors.New("the url must begin with https://")
	case len(c.Tenants) == 0:
		return errors.New("tenants are missing")
	case !strings.EqualFold(c.TokenType, accessTokenType) && len(c.Claims) == 0:
		return errors.New("claims are missing that tell its access tokens from its ID tokens")
	}
	c.groups = map[string][]Grant{}
	for group, texts := range c.Groups {
		for _, text := range texts {
			grant, err := text.grant(c.Tenants...)
			if err != nil {
				return fmt.Errorf("group %q: %w", group, err)
			}
			c.groups[group] = append(c.groups[group], grant)
		}
	}
	return nil
}
