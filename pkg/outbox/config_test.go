package outbox

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
)

func validConfig() Config {
	signer := bus.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	return Config{
		Partition: testPartition, DB: &pgxpool.Pool{}, Conn: &nats.Conn{}, Signer: signer,
		CentreKeys: bus.NewPublicKeys(bus.CentreOwner, signer.Public()),
	}
}

// Ensure a duration or size that is left out gets the documented value, and one that is set stays within its bound.
func TestConfig_Defaults(t *testing.T) {
	t.Parallel()
	r, err := NewRelay(validConfig())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want time.Duration }{
		"Poll":        {r.c.Poll, 250 * time.Millisecond},
		"Heartbeat":   {r.c.Heartbeat, 2 * time.Second},
		"AckWait":     {r.c.AckWait, 5 * time.Second},
		"ResendAfter": {r.c.ResendAfter, 5 * time.Minute},
		"BehindAfter": {r.c.BehindAfter, 10 * time.Second},
		"LeaseRetry":  {r.c.LeaseRetry, time.Second},
		"MaxBackoff":  {r.c.MaxBackoff, time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, want %s", name, c.got, c.want)
		}
	}
	if r.c.Batch != 256 || r.c.Log == nil || r.c.tenant() != testPartition.Tenant {
		t.Errorf("batch %d, log %v, tenant %s", r.c.Batch, r.c.Log, r.c.tenant())
	}
	var log bytes.Buffer
	c := validConfig()
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	c.Poll, c.Batch, c.AckWait = time.Second, 5000, -1
	if r, err = NewRelay(c); err != nil {
		t.Fatal(err)
	}
	if r.c.Poll != time.Second || r.c.Batch != 1000 || r.c.AckWait != 5*time.Second {
		t.Errorf("given values became %+v", r.c)
	}
	r.c.Log.InfoContext(t.Context(), "x")
	if !strings.Contains(log.String(), "partition=lombardia/cremona/intake") {
		t.Errorf("the log does not name the partition: %s", log.String())
	}
}

// Ensure a relay without what it needs is refused before it runs.
func TestNewRelay_RefusesIncompleteConfigs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"partition":   func(c *Config) { c.Partition.Tenant.Region = "*" },
		"no tenant":   func(c *Config) { c.Partition.Tenant = tenant.ID{} },
		"database":    func(c *Config) { c.DB = nil },
		"connection":  func(c *Config) { c.Conn = nil },
		"signing key": func(c *Config) { c.Signer = nil },
		"centre keys": func(c *Config) { c.CentreKeys = nil },
	} {
		c := validConfig()
		change(&c)
		if r, err := NewRelay(c); err == nil || r != nil {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
	}
}

// Ensure the lease is the same for all relays of a partition and another for each partition.
func TestRelay_LeaseKey(t *testing.T) {
	t.Parallel()
	key := func(p bus.Partition) int64 { return newTestRelay(Config{Partition: p}).leaseKey() }
	other := testPartition
	other.Tenant.Region = "piemonte"
	first, second := key(testPartition), key(testPartition)
	if first != second || first == key(other) {
		t.Errorf("keys are %d, %d and %d", first, second, key(other))
	}
}

func TestJitter(t *testing.T) {
	t.Parallel()
	for range 1000 {
		if got := jitter(time.Second); got < 750*time.Millisecond || got > 1250*time.Millisecond {
			t.Fatalf("got %s", got)
		}
	}
}
