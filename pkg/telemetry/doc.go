// Package telemetry shows what happens.
package telemetry
