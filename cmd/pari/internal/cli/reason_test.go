package cli

import "testing"

func TestCLI_Reasons(t *testing.T) {
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
	for code, text := range reasonTexts {
		if text[0] == "" || text[1] == "" || text[0] == text[1] {
			t.Errorf("%s has the texts %q", code, text)
		}
	}
}
