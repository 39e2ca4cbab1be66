package bus

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Names of the stream that holds every event of every node, at the hub only.
const (
	StreamName     = "PARI_EVENTS"
	StreamSubjects = "pari.v1.*.*.events.>"
	// AllHeartbeats is what the centre subscribes to hear every relay.
	AllHeartbeats = "pari.v1.*.*.heartbeat.*"
	// TypePrefix begins every event type; the rest is the tail of the subject.
	TypePrefix = "it.pari."
)

// ErrName is returned for a region, node, service or event type that cannot be a part of a subject.
var ErrName = errors.New("bus: not a name of the network")

var (
	name     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	typeTail = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.v[1-9][0-9]*$`)
)

// Line is one gapless sequence of events: what one service of one node sends.
type Line struct {
	Region string // slug of the region, for instance "lombardia"
	Node   string // slug of the node, for instance "cremona"
	Source string // service, for instance "intake"
}

// Check returns ErrName when a part cannot be used in a subject.
func (l Line) Check() error {
	for _, part := range []string{l.Region, l.Node, l.Source} {
		if !name.MatchString(part) {
			return fmt.Errorf("line: %w", ErrName)
		}
	}
	return nil
}

// Owner names who signs for the line: "<region>.<node>", which is also the file name of its public key at the centre.
func (l Line) Owner() string { return l.Region + "." + l.Node }

// URI is the CloudEvents source of the line.
func (l Line) URI() string { return "/region/" + l.Region + "/node/" + l.Node + "/" + l.Source }

// String is for logs.
func (l Line) String() string { return l.Region + "/" + l.Node + "/" + l.Source }

// ParseLine reads what URI wrote.
func ParseLine(uri string) (Line, error) {
	parts := strings.Split(uri, "/")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "region" || parts[3] != "node" {
		return Line{}, fmt.Errorf("source: %w", ErrName)
	}
	l := Line{Region: parts[2], Node: parts[4], Source: parts[5]}
	return l, l.Check()
}

// EventSubject is the subject of an event of the type on this line: it.pari.report.counted.v1 of cremona's intake is
// pari.v1.lombardia.cremona.events.intake.report.counted.v1.
func (l Line) EventSubject(eventType string) (string, error) {
	tail, ok := strings.CutPrefix(eventType, TypePrefix)
	if !ok || len(tail) > 128 || !typeTail.MatchString(tail) {
		return "", fmt.Errorf("event type: %w", ErrName)
	}
	return "pari.v1." + l.Region + "." + l.Node + ".events." + l.Source + "." + tail, l.Check()
}

// HeartbeatSubject is where the relay of the line announces itself.
func (l Line) HeartbeatSubject() string {
	return "pari.v1." + l.Region + "." + l.Node + ".heartbeat." + l.Source
}

// WatermarkSubject is where the centre answers the line.
func (l Line) WatermarkSubject() string {
	return "pari.down.v1." + l.Region + "." + l.Node + ".watermark." + l.Source
}

// ParseHeartbeatSubject tells which line a heartbeat is about.
func ParseHeartbeatSubject(subject string) (Line, error) {
	p := strings.Split(subject, ".")
	if len(p) != 6 || p[0] != "pari" || p[1] != "v1" || p[4] != "heartbeat" {
		return Line{}, fmt.Errorf("heartbeat subject: %w", ErrName)
	}
	l := Line{Region: p[2], Node: p[3], Source: p[5]}
	return l, l.Check()
}

// InboxPrefix is the prefix of the reply subjects of one service of one node; the broker lets it hear no other.
func InboxPrefix(region, node, service string) string {
	return "_INBOX." + region + "." + node + "." + service
}
