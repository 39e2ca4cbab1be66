package identity_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/identity"
)

// Ensure a file that was rejected for want of another is accepted when that one comes, and is read again when that one
// changes.
func TestIssuers_WatchTheAuthority(t *testing.T) {
	t.Parallel()
	e := rpctest.NewEnv(t)
	token := e.Token(t, "anna")
	path, ca := filepath.Join(t.TempDir(), "issuers.yaml"), filepath.Join(t.TempDir(), "ca.pem")
	authority, err := os.ReadFile(e.Authority.CAPath())
	if err != nil {
		t.Fatal(err)
	}
	one := "issuers:\n- {name: cremona, url: \"" + e.IssuerURL() + "\", tenants: [lombardia/cremona]"
	write(t, path, one+", audience: mail}")
	var log bytes.Buffer
	issuers, err := identity.LoadIssuers(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	accepted := func() bool {
		_, _, err := issuers.Verify(t.Context(), token)
		issuers.WaitReload()
		return err == nil
	}
	if accepted() {
		t.Fatal("a token for another audience was accepted")
	}
	write(t, path, one+", ca_file: "+ca+"}")
	bustest.Eventually(t, func() bool { accepted(); return strings.Contains(log.String(), "rejected") })
	if accepted() {
		t.Error("the file is in force without the authority that it names")
	}
	write(t, ca, string(authority))
	bustest.Eventually(t, accepted)
	write(t, ca, "no certificate")
	bustest.Eventually(t, func() bool { accepted(); return strings.Count(log.String(), "rejected") == 2 })
	if !accepted() {
		t.Error("a broken authority replaced the last good one")
	}
}

// Ensure that the metric tells of a rejected file until it is accepted.
func TestWatchedFile_RejectedIsMeasured(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	before := otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	path := filepath.Join(t.TempDir(), "grants.yaml")
	write(t, path, "")
	grants, err := identity.LoadGrants(path, discard)
	if err != nil {
		t.Fatal(err)
	}
	later := now
	for _, c := range []struct {
		content string
		want    int64
	}{{"", 0}, {"portal: [submitter]", 1}, {"portal: [submitter]", 1}, {protocollo.String() + ": [submitter]", 0}} {
		write(t, path, c.content)
		later = later.Add(time.Second)
		grants.Of(protocollo, later)
		grants.WaitReload()
		if got, err := rejectedMetric(t, reader, "grants"); err != nil || got != c.want {
			t.Errorf("%q: got %d, %v; want %d", c.content, got, err, c.want)
		}
	}
}

func rejectedMetric(t *testing.T, reader sdkmetric.Reader, file string) (int64, error) {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		return 0, err
	}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			gauge, ok := m.Data.(metricdata.Gauge[int64])
			if m.Name != "pari.config.rejected" || !ok {
				continue
			}
			for _, p := range gauge.DataPoints {
				if v, _ := p.Attributes.Value(attribute.Key("file")); v.AsString() == file {
					return p.Value, nil
				}
			}
		}
	}
	return 0, errors.New("no such metric")
}
