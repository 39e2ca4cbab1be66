package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Collector is an OTLP endpoint that stores the bytes of every span.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	addr  string
	stop  func()
	mu    sync.Mutex
	spans int
	bytes []byte
}

// startCollector starts a goroutine that serves until stop is called.
func startCollector(ctx context.Context) (*Collector, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	server := grpc.NewServer()
	c := &Collector{addr: listener.Addr().String(), stop: server.Stop}
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	return c, nil
}

// Export implements the OTLP trace service.
func (c *Collector) Export(
	_ context.Context, req *collectorv1.ExportTraceServiceRequest,
) (*collectorv1.ExportTraceServiceResponse, error) {
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

// Spans returns the number of received spans, and their bytes.
func (c *Collector) Spans() (int, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans, append([]byte(nil), c.bytes...)
}
