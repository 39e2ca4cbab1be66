package rpctest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
)

// Probe is a service for tests of what every call passes. Its contract has the kinds of method that Pari's services
// have: unary, a stream of responses, a stream of requests, and one for the holder of a receipt. All messages are
// texts. A function that is nil returns at once.
type Probe struct {
	// OnGet serves Get, for operators of a node.
	OnGet func(ctx context.Context, text string) (string, error)
	// OnWatch serves Watch, whose caller gets what it sends; for operators of a node, at most ProbeWatchSeconds.
	OnWatch func(ctx context.Context, text string, send func(text string) error) error
	// OnUpload serves Upload, whose caller sends messages of at most ProbeMaxMessage bytes; for systems with the role
	// submitter, at most ProbeUploadSeconds.
	OnUpload func(ctx context.Context, receive func() (string, error)) (string, error)
	// OnMine serves Mine, for the holder of a receipt.
	OnMine func(ctx context.Context) (string, error)
}

// Limits of the probe's methods.
const (
	ProbeMaxMessage    = 1024
	ProbeGetSeconds    = 3
	ProbeWatchSeconds  = 30
	ProbeUploadSeconds = 2
)

// Full names of the probe's methods.
const (
	probeService    = "testing.v1.ProbeService"
	ProbeGet        = "/" + probeService + "/Get"
	ProbeWatch      = "/" + probeService + "/Watch"
	ProbeUpload     = "/" + probeService + "/Upload"
	ProbeMine       = "/" + probeService + "/Mine"
	probeText       = ".google.protobuf.StringValue"
	probeSourceFile = "testing/v1/probe.proto"
)

func init() {
	method := func(name string, clientStream, serverStream bool, r *accessv1.Rule) *descriptorpb.MethodDescriptorProto {
		options := &descriptorpb.MethodOptions{}
		proto.SetExtension(options, accessv1.E_Rule, r)
		return &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(probeText), OutputType: proto.String(probeText),
			ClientStreaming: proto.Bool(clientStream), ServerStreaming: proto.Bool(serverStream), Options: options,
		}
	}
	operators := func(seconds int32) *accessv1.Rule {
		return &accessv1.Rule{
			Kinds: []accessv1.Kind{accessv1.Kind_KIND_PERSON}, Roles: []accessv1.Role{accessv1.Role_ROLE_OPERATOR},
			Scope: accessv1.Scope_SCOPE_NODE, DeadlineSeconds: seconds,
		}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String(probeSourceFile), Package: proto.String("testing.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("ProbeService"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Get", false, false, operators(ProbeGetSeconds)),
				method("Watch", false, true, operators(ProbeWatchSeconds)),
				method("Upload", true, false, &accessv1.Rule{
					Kinds: []accessv1.Kind{accessv1.Kind_KIND_SYSTEM},
					Roles: []accessv1.Role{accessv1.Role_ROLE_SUBMITTER}, Scope: accessv1.Scope_SCOPE_NODE,
					MaxRequestBytes: ProbeMaxMessage, DeadlineSeconds: ProbeUploadSeconds,
				}),
				method("Mine", false, false, &accessv1.Rule{
					Kinds: []accessv1.Kind{accessv1.Kind_KIND_RECEIPT}, Scope: accessv1.Scope_SCOPE_NODE,
				}),
			},
		}},
	}, protoregistry.GlobalFiles)
	if err == nil {
		err = protoregistry.GlobalFiles.RegisterFile(file)
	}
	if err != nil {
		panic(err)
	}
}

// Register registers the service.
func (p *Probe) Register(r grpc.ServiceRegistrar) {
	unary := func(name, full string, serve func(ctx context.Context, text string) (string, error)) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(
			server any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor,
		) (any, error) {
			req := &wrapperspb.StringValue{}
			if err := decode(req); err != nil {
				return nil, err
			}
			handler := func(ctx context.Context, req any) (any, error) {
				text, err := serve(
					ctx,
					req.(*wrapperspb.StringValue).GetValue(),
				) //nolint:forcetypeassert // decoded above
				return wrapperspb.String(text), err
			}
			return intercept(ctx, req, &grpc.UnaryServerInfo{Server: server, FullMethod: full}, handler)
		}}
	}
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: probeService, HandlerType: (*any)(nil), Metadata: probeSourceFile,
		Methods: []grpc.MethodDesc{
			unary("Get", ProbeGet, func(ctx context.Context, text string) (string, error) {
				if p.OnGet == nil {
					return text, nil
				}
				return p.OnGet(ctx, text)
			}),
			unary("Mine", ProbeMine, func(ctx context.Context, _ string) (string, error) {
				if p.OnMine == nil {
					return "", nil
				}
				return p.OnMine(ctx)
			}),
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "Watch", ServerStreams: true, Handler: p.watch},
			{StreamName: "Upload", ClientStreams: true, Handler: p.upload},
		},
	}, p)
}

func (p *Probe) watch(_ any, s grpc.ServerStream) error {
	req := &wrapperspb.StringValue{}
	if err := s.RecvMsg(req); err != nil {
		return err
	}
	if p.OnWatch == nil {
		return nil
	}
	return p.OnWatch(s.Context(), req.GetValue(), func(text string) error { return s.SendMsg(wrapperspb.String(text)) })
}

func (p *Probe) upload(_ any, s grpc.ServerStream) error {
	text := ""
	if p.OnUpload != nil {
		var err error
		text, err = p.OnUpload(s.Context(), func() (string, error) {
			m := &wrapperspb.StringValue{}
			err := s.RecvMsg(m)
			return m.GetValue(), err
		})
		if err != nil {
			return err
		}
	}
	return s.SendMsg(wrapperspb.String(text))
}
