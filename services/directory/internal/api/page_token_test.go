package api

import (
	"testing"

	"github.com/retepari/pari/services/directory/internal/office"
)

// Ensure every token is either refused or one that encodeOfficeToken produces.
func FuzzDecodeOfficeToken(f *testing.F) {
	f.Add(encodeOfficeToken(office.Key{Region: "lombardia", Node: "cremona", ID: "a"}, ""), "")
	f.Add(encodeOfficeToken(office.Key{Region: "lombardia", Node: "cremona", ID: "a"}, "cremona"), "cremona")
	f.Add("MS8vLy8", "")
	f.Add("%", "")
	f.Fuzz(func(t *testing.T, token, node string) {
		key, err := decodeOfficeToken(token, node)
		if err != nil || token == "" {
			return
		}
		if again := encodeOfficeToken(key, node); again != token {
			t.Errorf("%q decodes to %v, which encodes to %q", token, key, again)
		}
	})
}
