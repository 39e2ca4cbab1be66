package api

import (
	"testing"

	"github.com/retepari/pari/services/directory/internal/office"
)

// Ensure every token is either refused or one that we would make.
func FuzzKeyFromToken(f *testing.F) {
	f.Add(tokenFromKey(office.Key{Region: "lombardia", Node: "cremona", ID: "a"}, ""), "")
	f.Add(tokenFromKey(office.Key{Region: "lombardia", Node: "cremona", ID: "a"}, "cremona"), "cremona")
	f.Add("MS8vLy8", "")
	f.Add("%", "")
	f.Fuzz(func(t *testing.T, token, node string) {
		key, err := keyFromToken(token, node)
		if err != nil || token == "" {
			return
		}
		if again := tokenFromKey(key, node); again != token {
			t.Errorf("%q reads as %v, which is written %q", token, key, again)
		}
	})
}
