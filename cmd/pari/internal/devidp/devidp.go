// Package devidp is the OpenID provider of the development network: a real one, by discovery, authorization code with PKCE
// and signed access tokens, whose people are made up and have no passwords. It answers on loopback only and is no part of
// production, where any provider does that puts the claim pari_grants into its tokens.
package devidp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Audience of the tokens, ClientID of the command line and of consoles, GrantsClaim what people may do.
const (
	Audience    = "pari"
	ClientID    = "pari"
	GrantsClaim = "pari_grants"
)

// lifetime of an access token.
const lifetime = time.Hour

// Persona is a made-up person. Name is what they sign in with and the subject of their tokens.
type Persona struct {
	Name   string
	Grants []string
}

// Personas are an operator, a case worker, a coordinator and an editor for each node, given with its region, and an analyst,
// an auditor, an editor and a publisher at the centre.
func Personas(regions map[string]string) []Persona {
	people := []Persona{
		{"analyst", []string{"all/centre/analyst"}}, {"auditor", []string{"all/centre/auditor"}},
		{"editor", []string{"all/centre/editor"}}, {"publisher", []string{"all/centre/publisher", "all/centre/editor"}},
	}
	for node, region := range regions {
		for name, role := range map[string]string{"operator": "operator", "worker": "case_worker", "coordinator": "coordinator", "editor": "editor"} {
			p := Persona{name + "-" + node, []string{region + "/" + node + "/" + role}}
			if role == "coordinator" { // works cases too
				p.Grants = append(p.Grants, region+"/"+node+"/case_worker")
			}
			people = append(people, p)
		}
	}
	slices.SortFunc(people, func(a, b Persona) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return people
}

// Config of a provider.
type Config struct {
	Listener net.Listener
	TLS      *tls.Config
	// Issuer is https://host:port of the listener.
	Issuer   string
	Personas []Persona
	Log      *slog.Logger
	// SigningKeyFile keeps the key of the tokens; it is made on the first start.
	SigningKeyFile string
}

// Provider is an OpenID provider.
type Provider struct {
	c       Config
	handler http.Handler
}

// New prepares a provider. It refuses a listener that is not on loopback.
func New(c Config) (*Provider, error) {
	if addr, ok := c.Listener.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return nil, errors.New("the provider of the development network answers on loopback only")
	}
	key, err := loadKey(c.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	s := newStorage(key, c.Personas)
	e, err := newEndpoints(c.Issuer, s)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", s.showLogin)
	mux.HandleFunc("POST /login", s.login(e.afterLogin))
	mux.Handle("/", e.handler())
	return &Provider{c: c, handler: mux}, nil
}

// Run answers until ctx ends.
func (p *Provider) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog: slog.NewLogLogger(p.c.Log.Handler(), slog.LevelDebug),
	}
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	if err := server.Serve(tls.NewListener(p.c.Listener, p.c.TLS)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("provider: %w", err)
	}
	<-closed // calls under way get their answer first
	return nil
}

const page = `<!doctype html>
<html lang="it"><meta charset="utf-8"><title>Pari</title>
<h1>Chi entra? · Who is signing in?</h1>
<p>Rete di prova: le persone sono inventate. · Development network: these people are made up.</p>
<form method="post"><input type="hidden" name="request" value="%s">
`

func (s *storage) showLogin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	_, _ = fmt.Fprintf(w, page, html.EscapeString(r.URL.Query().Get("request")))
	for _, p := range s.personas {
		name := html.EscapeString(p.Name)
		_, _ = fmt.Fprintf(w, "<p><button name=\"persona\" value=\"%s\">%s</button></p>", name, name)
	}
	_, _ = io.WriteString(w, "</form></html>\n")
}

func (s *storage) login(next func(id string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4096)
		id, name := r.PostFormValue("request"), r.PostFormValue("persona")
		if err := s.signIn(id, name); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, next(id), http.StatusFound)
	}
}

func loginURL(id string) string { return "/login?request=" + url.QueryEscape(id) }
