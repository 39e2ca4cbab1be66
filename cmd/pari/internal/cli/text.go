package cli

import "fmt"

// text is a text in both languages.
type text struct{ it, en string }

// in returns the text in the language of --lang.
func (t text) in(lang string) string {
	if lang == "en" {
		return t.en
	}
	return t.it
}

// textError is an error for people, in both languages.
type textError struct {
	text

	// hint is the command to try next; empty for the help of the command.
	hint string
	// usage says that the command line itself is wrong.
	usage bool
	// cause is not shown; errors.Is finds it.
	cause error
}

// Error returns the English text.
func (e *textError) Error() string { return e.en }

// Unwrap returns the cause.
func (e *textError) Unwrap() error { return e.cause }

// errorf returns an error with a text in both languages. Both formats take the same arguments.
func errorf(it, en string, args ...any) *textError {
	return &textError{text: text{fmt.Sprintf(it, args...), fmt.Sprintf(en, args...)}}
}

// withHint names the command to try next.
func (e *textError) withHint(hint string) *textError {
	e.hint = hint
	return e
}
