module github.com/retepari/pari/services/intake

go 1.26

require (
	github.com/retepari/pari/pkg v0.0.0
	github.com/retepari/pari/proto/gen v0.0.0
)

replace (
	github.com/retepari/pari/pkg => ../../pkg
	github.com/retepari/pari/proto/gen => ../../proto/gen
)
