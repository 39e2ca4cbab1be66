package bus

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
)

// Attributes that are the same for every event.
const (
	specVersion    = "1.0"
	contentType    = "application/protobuf"
	classification = "internal"
)

// Errors of Parse, beside ErrIncomplete and ErrName.
var (
	// ErrNotEvent is returned for a message that is not a CloudEvents 1.0 event in binary mode.
	ErrNotEvent = errors.New("bus: not a CloudEvents event")
	// ErrClassification is returned for an event of another data classification, which the consumer cannot honour.
	ErrClassification = errors.New("bus: unsupported data classification")
	// ErrSubject is returned for an event on a subject that is not its own.
	ErrSubject = errors.New("bus: event on a foreign subject")
)

// Msg encodes the event for NATS in CloudEvents binary mode, with its id as the Nats-Msg-Id.
func (e *Event) Msg() (*nats.Msg, error) { return e.msg(e.ID) }

// ResendMsg is Msg for the n-th resend. It has a message id of its own, or the broker would drop it as a duplicate.
func (e *Event) ResendMsg(n int) (*nats.Msg, error) { return e.msg(e.ID + ".r" + strconv.Itoa(n)) }

func (e *Event) msg(msgID string) (*nats.Msg, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	subject, err := e.Partition.EventSubject(e.Type)
	if err != nil {
		return nil, err
	}
	h := nats.Header{}
	set := func(attribute, value string) { h["ce-"+attribute] = []string{encode(value)} }
	set("specversion", specVersion)
	set("id", e.ID)
	set("type", e.Type)
	set("source", e.Partition.URI())
	set("subject", e.Subject)
	set("datacontenttype", contentType)
	set("dataclassification", classification)
	set("aggregateseq", strconv.FormatInt(e.AggregateSeq, 10))
	set("nodeseq", strconv.FormatInt(e.NodeSeq, 10))
	set("prevhash", base64.StdEncoding.EncodeToString(e.PrevHash[:]))
	set("signature", base64.StdEncoding.EncodeToString(e.Signature))
	set("keyid", e.KeyID)
	if e.Traceparent != "" {
		set("traceparent", e.Traceparent)
	}
	h[nats.MsgIdHdr] = []string{msgID}
	return &nats.Msg{Subject: subject, Header: h, Data: e.Data}, nil
}

// Parse decodes an event. It is lenient about the form of headers (case, quotes, needless percent-encoding, parameters
// of the content type, unknown attributes) and strict about their values. It does not check the signature; Verify does.
func Parse(subject string, header nats.Header, data []byte) (Event, error) {
	a, err := attributes(header)
	if err != nil {
		return Event{}, err
	}
	if a["specversion"] != specVersion {
		return Event{}, fmt.Errorf("specversion: %w", ErrNotEvent)
	}
	if a["dataclassification"] != classification {
		return Event{}, ErrClassification
	}
	if kind, _, err := mime.ParseMediaType(a["datacontenttype"]); err != nil || kind != contentType {
		return Event{}, fmt.Errorf("content type: %w", ErrNotEvent)
	}
	e := Event{
		ID: a["id"], Type: a["type"], Subject: a["subject"], Data: data,
		KeyID: a["keyid"], Traceparent: a["traceparent"],
	}
	if e.Partition, err = ParsePartition(a["source"]); err != nil {
		return Event{}, err
	}
	if e.AggregateSeq, err = strconv.ParseInt(a["aggregateseq"], 10, 64); err != nil {
		return Event{}, fmt.Errorf("aggregateseq: %w", ErrIncomplete)
	}
	if e.NodeSeq, err = strconv.ParseInt(a["nodeseq"], 10, 64); err != nil {
		return Event{}, fmt.Errorf("nodeseq: %w", ErrIncomplete)
	}
	prev, err := base64.StdEncoding.DecodeString(a["prevhash"])
	if err != nil || len(prev) != len(e.PrevHash) {
		return Event{}, fmt.Errorf("prevhash: %w", ErrIncomplete)
	}
	copy(e.PrevHash[:], prev)
	if e.Signature, err = base64.StdEncoding.DecodeString(a["signature"]); err != nil {
		return Event{}, fmt.Errorf("signature: %w", ErrIncomplete)
	}
	if err := e.Check(); err != nil {
		return Event{}, err
	}
	if own, err := e.Partition.EventSubject(e.Type); err != nil || own != subject {
		return Event{}, ErrSubject
	}
	return e, nil
}

// attributes collects the CloudEvents attributes by lower-case name. A repeated attribute is an error, because two
// readers could choose different values.
func attributes(header nats.Header) (map[string]string, error) {
	a := make(map[string]string, len(header))
	for key, values := range header {
		key = strings.ToLower(key)
		attribute, ok := strings.CutPrefix(key, "ce-")
		switch {
		case ok:
		case key == "content-type":
			attribute = "datacontenttype"
		case key == "traceparent":
			attribute = "traceparent"
		default:
			continue
		}
		_, repeated := a[attribute]
		if repeated || len(values) != 1 {
			return nil, fmt.Errorf("repeated attribute: %w", ErrNotEvent)
		}
		value, ok := decode(values[0])
		if !ok {
			return nil, fmt.Errorf("malformed attribute: %w", ErrNotEvent)
		}
		a[attribute] = value
	}
	return a, nil
}

// encode percent-encodes an attribute value as the CloudEvents bindings require: space, double quote, percent and
// everything outside printable ASCII, as %XX of its UTF-8.
func encode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c <= '~' && c != '"' && c != '%' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// decode undoes encode. It first removes the double quotes and backslashes that other producers may add.
func decode(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = unquote(s[1 : len(s)-1])
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), utf8.ValidString(b.String())
}

func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func validID(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}
