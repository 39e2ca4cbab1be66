package api

// How states go into the contract and come back.
var (
	StateToProto   = stateToProto
	StateFromProto = stateFromProto
)
