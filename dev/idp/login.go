package idp

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
)

// loginHandler is the page on which a user is chosen.
type loginHandler struct {
	storage *storage
	// callbackURL is where the provider goes on with a request whose user is known.
	callbackURL func(ctx context.Context, requestID string) string
}

func loginURL(requestID string) string { return "/login?request=" + url.QueryEscape(requestID) }

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="it"><meta charset="utf-8"><title>Pari</title>
<h1>Chi entra? · Who is signing in?</h1>
<p>Rete di prova: le persone sono inventate. · Development network: these people are made up.</p>
<form method="post"><input type="hidden" name="request" value="{{.Request}}">
{{range .Users}}<p><button name="user" value="{{.Name}}">{{.Name}}</button></p>
{{end}}</form></html>
`))

// show signs in the user whom the client named in login_hint, or lets a person choose one.
func (h loginHandler) show(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	if user := h.storage.loginHint(id); user != "" {
		h.signIn(w, r, id, user)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	_ = loginPage.Execute(w, map[string]any{"Request": id, "Users": h.storage.users})
}

func (h loginHandler) submit(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	h.signIn(w, r, r.PostFormValue("request"), r.PostFormValue("user"))
}

func (h loginHandler) signIn(w http.ResponseWriter, r *http.Request, id, user string) {
	if err := h.storage.signIn(id, user); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	http.Redirect(w, r, h.callbackURL(r.Context(), id), http.StatusFound)
}
