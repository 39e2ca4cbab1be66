module github.com/retepari/pari/cmd/pari

go 1.26

require (
	github.com/retepari/pari/pkg v0.0.0
	github.com/retepari/pari/proto/gen v0.0.0
	github.com/retepari/pari/services/casemanagement v0.0.0
	github.com/retepari/pari/services/directory v0.0.0
	github.com/retepari/pari/services/intake v0.0.0
	github.com/retepari/pari/services/reporting v0.0.0
)

replace (
	github.com/retepari/pari/pkg => ../../pkg
	github.com/retepari/pari/proto/gen => ../../proto/gen
	github.com/retepari/pari/services/casemanagement => ../../services/casemanagement
	github.com/retepari/pari/services/directory => ../../services/directory
	github.com/retepari/pari/services/intake => ../../services/intake
	github.com/retepari/pari/services/reporting => ../../services/reporting
)
