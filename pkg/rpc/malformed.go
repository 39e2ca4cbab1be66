package rpc

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// malformed takes the place of a request that cannot be decoded, so that the pipeline refuses it like any other.
type malformed struct{ err error }

// withMalformed returns a service whose unary methods pass requests that cannot be decoded to their interceptor. gRPC
// itself would answer INTERNAL without a reason.
func withMalformed(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	mended := *desc
	mended.Methods = slices.Clone(desc.Methods)
	for i := range mended.Methods {
		handler := mended.Methods[i].Handler
		mended.Methods[i].Handler = func(
			server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor,
		) (any, error) {
			var m malformed
			decodeOrNote := func(req any) error {
				m.err = decode(req)
				return nil
			}
			intercept := func(
				ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
			) (any, error) {
				if m.err != nil {
					req = m
				}
				return interceptor(ctx, req, info, next)
			}
			return handler(server, ctx, decodeOrNote, intercept)
		}
	}
	return &mended
}
