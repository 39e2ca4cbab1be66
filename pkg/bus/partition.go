package bus

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/retepari/pari/pkg/tenant"
)

const (
	// StreamName is the stream at the hub that holds the events of all nodes.
	StreamName = "PARI_EVENTS"
	// StreamSubjects are the subjects of the stream.
	StreamSubjects = "pari.v1.*.*.events.>"
	// AllHeartbeats matches the heartbeats of all relays.
	AllHeartbeats = "pari.v1.*.*.heartbeat.*"
	// TypePrefix begins every event type; the rest is the tail of the subject.
	TypePrefix = "it.pari."
)

// ErrName is returned for a region, node, service or event type that cannot be part of a subject.
var ErrName = errors.New("bus: invalid name")

var (
	typeTail = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.v[1-9][0-9]*$`)
)

// Partition is a part of the feed with a gapless numbering of its own: what one service of one node sends.
type Partition struct {
	Tenant tenant.ID
	Source string // service, for instance "intake"
}

// Check returns ErrName when a part cannot be used in a subject.
func (p Partition) Check() error {
	if _, err := tenant.New(p.Tenant.Region, p.Tenant.Node); err != nil || !tenant.ValidName(p.Source) {
		return fmt.Errorf("partition: %w", ErrName)
	}
	return nil
}

// Owner is the node that signs for the partition, "<region>.<node>". It is also the file name of the node's public key.
func (p Partition) Owner() string { return Owner(p.Tenant) }

// Owner names a tenant in subjects and in the files of keys.
func Owner(t tenant.ID) string { return t.Region + "." + t.Node }

// URI is the CloudEvents source.
func (p Partition) URI() string {
	return "/region/" + p.Tenant.Region + "/node/" + p.Tenant.Node + "/" + p.Source
}

// String is for logs.
func (p Partition) String() string { return p.Tenant.String() + "/" + p.Source }

// ParsePartition parses a URI.
func ParsePartition(uri string) (Partition, error) {
	parts := strings.Split(uri, "/")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "region" || parts[3] != "node" {
		return Partition{}, fmt.Errorf("source: %w", ErrName)
	}
	p := Partition{Tenant: tenant.ID{Region: parts[2], Node: parts[4]}, Source: parts[5]}
	return p, p.Check()
}

// EventSubject is the subject of the partition's events of one type: it.pari.report.counted.v1 of Cremona's intake is
// pari.v1.lombardia.cremona.events.intake.report.counted.v1.
func (p Partition) EventSubject(eventType string) (string, error) {
	tail, ok := strings.CutPrefix(eventType, TypePrefix)
	if !ok || len(tail) > 128 || !typeTail.MatchString(tail) {
		return "", fmt.Errorf("event type: %w", ErrName)
	}
	return "pari.v1." + p.Owner() + ".events." + p.Source + "." + tail, p.Check()
}

// HeartbeatSubject is where the relay sends heartbeats.
func (p Partition) HeartbeatSubject() string {
	return "pari.v1." + p.Owner() + ".heartbeat." + p.Source
}

// WatermarkSubject is where the centre sends watermarks.
func (p Partition) WatermarkSubject() string {
	return "pari.down.v1." + p.Owner() + ".watermark." + p.Source
}

// ParseHeartbeatSubject returns the partition of a heartbeat.
func ParseHeartbeatSubject(subject string) (Partition, error) {
	s := strings.Split(subject, ".")
	if len(s) != 6 || s[0] != "pari" || s[1] != "v1" || s[4] != "heartbeat" {
		return Partition{}, fmt.Errorf("heartbeat subject: %w", ErrName)
	}
	p := Partition{Tenant: tenant.ID{Region: s[2], Node: s[3]}, Source: s[5]}
	return p, p.Check()
}

// InboxPrefix begins the reply subjects of one service of one tenant. The broker lets it subscribe to no others.
func InboxPrefix(t tenant.ID, service string) string { return "_INBOX." + Owner(t) + "." + service }
