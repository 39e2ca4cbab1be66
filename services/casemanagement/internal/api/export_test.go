package api

var (
	StateToProto   = stateToProto
	StateFromProto = stateFromProto
)
