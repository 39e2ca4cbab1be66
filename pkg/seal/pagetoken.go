package seal

import (
	"encoding/base64"
	"fmt"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/tenant"
)

// EncodePageToken encrypts the position at which a list continues. The token holds for one filter of one tenant.
func (s *Secrets) EncodePageToken(t tenant.ID, filter, position string) (string, error) {
	token, err := s.of(t).pageToken.Encrypt([]byte(position), s.pageScope(t, filter))
	if err != nil {
		return "", fmt.Errorf("page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// DecodePageToken returns the position in a token. An empty token is the first page. A token that EncodePageToken did
// not make for the same node and filter is BAD_PAGE_TOKEN.
func (s *Secrets) DecodePageToken(t tenant.ID, filter, token string) (position string, err error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		raw, err = s.of(t).pageToken.Decrypt(raw, s.pageScope(t, filter))
	}
	if err != nil {
		return "", fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
	}
	return string(raw), nil
}

func (s *Secrets) pageScope(t tenant.ID, filter string) []byte {
	return s.of(t).derive("page-scope", []byte(t.String()+"\x00"+filter))
}
