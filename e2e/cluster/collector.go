package cluster

import (
	"context"
	"net"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Collector is an OTLP endpoint that keeps the bytes of every span that it is sent.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	addr  string
	mu    sync.Mutex
	spans int
	bytes []byte
}

func startCollector(t testing.TB) *Collector {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{addr: listener.Addr().String()}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return c
}

// Export takes spans from a service.
func (c *Collector) Export(_ context.Context, req *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	raw, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes = append(c.bytes, raw...)
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans += len(scope.GetSpans())
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// Spans returns how many spans have come, and their bytes.
func (c *Collector) Spans() (int, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans, append([]byte(nil), c.bytes...)
}
