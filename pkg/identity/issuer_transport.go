package identity

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	issuerTimeout = 5 * time.Second
	// rememberAnswer and rememberFailure are how long an issuer is not asked again.
	rememberAnswer  = 10 * time.Second
	rememberFailure = time.Second
	// maxIssuerAnswer bounds a discovery document or a key set.
	maxIssuerAnswer = 1 << 20
)

// rememberingTransport asks for each URL at most once in a while, whatever tokens arrive: a token with an unknown key
// id makes the verifier fetch the issuer's keys, and strangers can send any number of such tokens.
type rememberingTransport struct {
	next http.RoundTripper

	flight singleflight.Group
	mu     sync.Mutex
	known  map[string]answer
}

// answer is what an issuer answered last for a URL.
type answer struct {
	at     time.Time
	status int
	header http.Header
	body   []byte
	err    error
}

func (a answer) fresh(now time.Time) bool {
	keep := rememberAnswer
	if a.err != nil || a.status != http.StatusOK {
		keep = rememberFailure
	}
	return !a.at.IsZero() && now.Sub(a.at) < keep
}

// RoundTrip implements http.RoundTripper. All requests to an issuer are GETs without a body.
func (t *rememberingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	url := req.URL.String()
	t.mu.Lock()
	a := t.known[url]
	t.mu.Unlock()
	if !a.fresh(time.Now()) {
		// One request serves all calls that wait for it, so it must outlive the call that began it.
		asked := t.flight.DoChan(url, func() (any, error) { return t.ask(req), nil })
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case result := <-asked:
			a, _ = result.Val.(answer)
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
		Request: req,
	}, nil
}

func (t *rememberingTransport) ask(req *http.Request) answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), issuerTimeout)
	defer cancel()
	a := answer{at: time.Now()}
	resp, err := t.next.RoundTrip(req.Clone(ctx))
	if err == nil {
		a.status, a.header = resp.StatusCode, resp.Header
		a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxIssuerAnswer+1))
		_ = resp.Body.Close()
	}
	if err == nil && len(a.body) > maxIssuerAnswer {
		err = fmt.Errorf("an answer of the issuer is larger than %d bytes", maxIssuerAnswer)
	}
	a.err = err
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]answer{}
	}
	t.known[req.URL.String()] = a
	return a
}
