package idempotency

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/retepari/pari/pkg/tenant"
)

// recentKeys is how many request keys a process remembers. Most requests are repeated within seconds.
const recentKeys = 10_000

// Recent remembers which requests this process has lately found stored, so that most repeated ones are known before
// anything is done for them. What it does not know may be stored all the same: the insert decides. It is safe for
// concurrent use.
type Recent struct {
	keys *lru.Cache[recentKey, struct{}]
}

type recentKey struct {
	t   tenant.ID
	key string
}

// NewRecent returns an empty Recent.
func NewRecent() *Recent {
	keys, err := lru.New[recentKey, struct{}](recentKeys)
	if err != nil { // only for a size that is not positive
		panic(err)
	}
	return &Recent{keys}
}

// Add remembers a request that is stored.
func (r *Recent) Add(t tenant.ID, requestKey []byte) {
	r.keys.Add(recentKey{t, string(requestKey)}, struct{}{})
}

// Has reports whether a request is known to be stored.
func (r *Recent) Has(t tenant.ID, requestKey []byte) bool {
	_, ok := r.keys.Get(recentKey{t, string(requestKey)})
	return ok
}
