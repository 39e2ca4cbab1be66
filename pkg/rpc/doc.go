// Package rpc builds gRPC servers and clients.
package rpc
