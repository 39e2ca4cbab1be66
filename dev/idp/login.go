package idp

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
)

// loginHandler serves the page on which a person chooses a user.
type loginHandler struct {
	storage *storage
	// callbackURL returns the URL at which the provider continues a request after the sign-in.
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

// show signs in the user of login_hint, or shows the page when the request has none.
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
