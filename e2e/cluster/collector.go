package cluster

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Collector is an OTLP endpoint that stores the bytes of every span.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	addr  string
	stop  func()
	mu    sync.Mutex
	spans []*tracev1.Span
	bytes []byte
}

// Addr is the address of the endpoint.
func (c *Collector) Addr() string { return c.addr }

// Stop stops the endpoint.
func (c *Collector) Stop() { c.stop() }

// StartCollector starts a goroutine that serves until Stop is called.
func StartCollector(ctx context.Context) (*Collector, error) {
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
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// Spans returns the number of received spans, and their bytes.
func (c *Collector) Spans() (int, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans), append([]byte(nil), c.bytes...)
}

// All returns the received spans.
func (c *Collector) All() []*tracev1.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}
