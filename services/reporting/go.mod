module github.com/retepari/pari/services/reporting

go 1.26.0

require (
	github.com/retepari/pari/pkg v0.0.0
	github.com/retepari/pari/proto/gen v0.0.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/retepari/pari/pkg => ../../pkg
	github.com/retepari/pari/proto/gen => ../../proto/gen
)
