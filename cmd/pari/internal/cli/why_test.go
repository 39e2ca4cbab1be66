package cli

import "testing"

func TestReasons(t *testing.T) {
	t.Parallel()
	codes := []string{"TERRITORY", "LANGUAGE_PARTLY", "SOMETHING_NEW"}
	for lang, want := range map[string]string{
		"it": "serve il territorio; parla alcune delle lingue; SOMETHING_NEW",
		"en": "serves the place; speaks some of the languages; SOMETHING_NEW",
	} {
		if got := (&cli{lang: lang}).reasons(codes); got != want {
			t.Errorf("%s: got %q", lang, got)
		}
	}
	for code, words := range why {
		if words[0] == "" || words[1] == "" || words[0] == words[1] {
			t.Errorf("%s says %q", code, words)
		}
	}
}
