module github.com/retepari/pari/cmd/pari

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/jackc/pgx/v5 v5.12.0
	golang.org/x/sync v0.24.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261026165753-2ffab32bce7e // indirect
)

replace (
	github.com/retepari/pari/pkg => ../../pkg
	github.com/retepari/pari/proto/gen => ../../proto/gen
	github.com/retepari/pari/services/casemanagement => ../../services/casemanagement
	github.com/retepari/pari/services/directory => ../../services/directory
	github.com/retepari/pari/services/intake => ../../services/intake
	github.com/retepari/pari/services/reporting => ../../services/reporting
)
