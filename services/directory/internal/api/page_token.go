package api

import (
	"encoding/base64"
	"strings"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/office"
)

// tokenVersion begins every page token, so that another form can be told apart one day.
const tokenVersion = "1"

// tokenSeparator cannot be part of a slug.
const tokenSeparator = "/"

// encodeOfficeToken makes the page token that goes on after a key, for the same filter. There is nothing in it to hide.
func encodeOfficeToken(k office.Key, node string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{tokenVersion, node, k.Region, k.Node, k.ID}, tokenSeparator)))
}

// decodeOfficeToken reads a page token; an empty one begins at the first office. It refuses what tokenFromKey did not make for
// this filter.
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
	return office.Key{}, fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
}

// encodeEntryToken makes the page token that goes on after an entry, for the same filter.
func encodeEntryToken(after entry.Ref, filter string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{tokenVersion, filter, string(after)}, "\n")))
}

// decodeEntryToken reads what tokenFromRef made for this filter; an empty token begins at the first entry.
func decodeEntryToken(token, filter string) (entry.Ref, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.Split(string(raw), "\n")
	if err == nil && len(parts) == 3 && token == encodeEntryToken(entry.Ref(parts[2]), filter) {
		return entry.Ref(parts[2]), nil
	}
	return "", fault.Invalid(fault.Field{Path: "page_token", Reason: fault.BadPageToken})
}
