package seal

import (
	"encoding/base64"
	"fmt"

	"github.com/retepari/pari/pkg/fault"
)

// EncodePageToken encrypts the position at which a list continues. The token holds for one filter of one node.
func (s *Secrets) EncodePageToken(node, filter, position string) (string, error) {
	token, err := s.pageToken.Encrypt([]byte(position), s.pageScope(node, filter))
	if err != nil {
		return "", fmt.Errorf("page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(token), nil
}

// DecodePageToken returns the position in a token. An empty token is the first page. A token that EncodePageToken did
// not make for the same node and filter is BAD_PAGE_TOKEN.
func (s *Secrets) DecodePageToken(node, filter, token string) (position string, err error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		raw, err = s.pageToken.Decrypt(raw, s.pageScope(node, filter))
	}
	if err != nil {
		return "", fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
	}
	return string(raw), nil
}

func (s *Secrets) pageScope(node, filter string) []byte {
	return s.derive("page-scope", []byte(node+"\x00"+filter))
}
