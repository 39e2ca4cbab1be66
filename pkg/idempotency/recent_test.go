package idempotency_test

import (
	"encoding/binary"
	"testing"

	"github.com/retepari/pari/pkg/idempotency"
)

// Ensure a request is known at its own tenant only, and that requests are forgotten instead of filling the memory.
func TestRecent(t *testing.T) {
	t.Parallel()
	r := idempotency.NewRecent()
	r.Add(livo, []byte("a"))
	if !r.Has(livo, []byte("a")) || r.Has(livo, []byte("b")) || r.Has(trentinoLivo, []byte("a")) {
		t.Error("requests of other tenants are taken for each other")
	}
	for i := range uint64(20_000) {
		r.Add(livo, binary.BigEndian.AppendUint64(nil, i))
	}
	if r.Has(livo, []byte("a")) {
		t.Error("a request was not forgotten")
	}
}
