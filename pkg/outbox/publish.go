package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/retepari/pari/pkg/bus"
)

type msg = nats.Msg

// JetStream's headers for atomic batch publishing.
const (
	headerBatch    = "Nats-Batch-Id"
	headerBatchSeq = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"
)

// codeTooManyBatches is JetStream's error for too many concurrent batches. The same batch may be sent again.
const codeTooManyBatches = 10210

// refusal is an answer of the hub that rejects a message, as opposed to no answer.
type refusal struct {
	code        int
	description string
}

func (r *refusal) Error() string {
	return "hub refused the event: " + r.description + " (" + strconv.Itoa(r.code) + ")"
}

type pubAck struct {
	Stream string `json:"stream"`
	Domain string `json:"domain"`
	Error  *struct {
		Code        int    `json:"code"`
		ErrCode     int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

func messages(events []bus.Event, encode func(*bus.Event) (*msg, error)) ([]*msg, error) {
	msgs := make([]*msg, len(events))
	for i := range events {
		m, err := encode(&events[i])
		if err != nil {
			return nil, &refusal{description: err.Error()}
		}
		msgs[i] = m
	}
	return msgs, nil
}

// publish sends messages and returns how many of them, from the first on, the hub has stored. Several messages go as
// one atomic batch, so that a link that breaks midway cannot leave a later event before an earlier one; the hub's disk
// also syncs once instead of many times. When the hub refuses the batch, because one message is refused, is a duplicate
// or was lost, the messages go one by one, each after the acknowledgement of the last.
func (l *leader) publish(ctx context.Context, msgs []*msg) (int, error) {
	if len(msgs) > 1 {
		err := l.publishBatch(ctx, msgs)
		if err == nil {
			return len(msgs), nil
		}
		if refused := (*refusal)(nil); !errors.As(err, &refused) {
			return 0, err
		}
	}
	for i, m := range msgs {
		if err := l.request(ctx, m); err != nil {
			return i, err
		}
	}
	return len(msgs), nil
}

func (l *leader) publishBatch(ctx context.Context, msgs []*msg) error {
	id := nuid.Next()
	defer func() {
		for _, m := range msgs {
			m.Header.Del(headerBatch)
			m.Header.Del(headerBatchSeq)
			m.Header.Del(headerCommit)
		}
	}()
	for i, m := range msgs {
		m.Header[headerBatch] = []string{id}
		m.Header[headerBatchSeq] = []string{strconv.Itoa(i + 1)}
		if i == len(msgs)-1 {
			break
		}
		if err := l.r.c.Conn.PublishMsg(m); err != nil {
			return publishError(err)
		}
	}
	final := msgs[len(msgs)-1]
	final.Header[headerCommit] = []string{"1"}
	return l.request(ctx, final)
}

// request publishes one message and waits until the hub has stored it. Only an acknowledgement by the hub's own stream
// counts.
func (l *leader) request(ctx context.Context, m *msg) error {
	ctx, cancel := context.WithTimeout(ctx, l.r.c.AckWait)
	defer cancel()
	reply, err := l.r.c.Conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return publishError(err)
	}
	var ack pubAck
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return errors.New("hub's reply is not an acknowledgement")
	}
	if e := ack.Error; e != nil {
		if e.Code >= 500 || e.ErrCode == codeTooManyBatches {
			return fmt.Errorf("hub cannot store now: %s (%d)", e.Description, e.ErrCode)
		}
		return &refusal{code: e.ErrCode, description: e.Description}
	}
	if ack.Stream != bus.StreamName || ack.Domain != bus.HubDomain {
		return errors.New("acknowledged by another stream than the hub's")
	}
	return nil
}

func publishError(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return &refusal{description: err.Error()}
	}
	return fmt.Errorf("publish: %w", err)
}
