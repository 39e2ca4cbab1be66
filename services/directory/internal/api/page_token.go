package api

import (
	"encoding/base64"
	"strings"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/office"
)

// tokenVersion is the first part of every page token, so that the format can change later.
const tokenVersion = "1"

// tokenSeparator cannot be part of a slug.
const tokenSeparator = "/"

// encodeOfficeToken returns the page token that continues after a key, for the same filter. It holds no secrets.
func encodeOfficeToken(k office.Key, node string) string {
	return encodeToken(tokenSeparator, node, k.Region, k.Node, k.ID)
}

// decodeOfficeToken returns the key to continue after; an empty token starts at the first office. It refuses every
// token that encodeOfficeToken does not produce for this filter.
func decodeOfficeToken(token, node string) (office.Key, error) {
	if token == "" {
		return office.Key{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.Split(string(raw), tokenSeparator)
	if err == nil && len(parts) == 5 {
		if key := (office.Key{Region: parts[2], Node: parts[3], ID: parts[4]}); token == encodeOfficeToken(key, node) {
			return key, nil
		}
	}
	return office.Key{}, errBadPageToken()
}

// encodeEntryToken returns the page token that continues after an entry, for the same filter.
func encodeEntryToken(after entry.Ref, filter string) string {
	return encodeToken("\n", filter, string(after))
}

// decodeEntryToken returns the entry to continue after; an empty token starts at the first entry. It refuses every
// token that encodeEntryToken does not produce for this filter.
func decodeEntryToken(token, filter string) (entry.Ref, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.Split(string(raw), "\n")
	if err == nil && len(parts) == 3 && token == encodeEntryToken(entry.Ref(parts[2]), filter) {
		return entry.Ref(parts[2]), nil
	}
	return "", errBadPageToken()
}

func encodeToken(separator string, parts ...string) string {
	text := tokenVersion + separator + strings.Join(parts, separator)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func errBadPageToken() error {
	return fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
}
