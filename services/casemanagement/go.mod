module github.com/retepari/pari/services/casemanagement

go 1.26.0

require (
	github.com/retepari/pari/pkg v0.0.0
	pgregory.net/rapid v1.3.0
)

require (
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261026165753-2ffab32bce7e // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/retepari/pari/pkg => ../../pkg
	github.com/retepari/pari/proto/gen => ../../proto/gen
)
