package format

import "testing"

func TestToWindows1252(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Città, 5 €": "Città, 5 €", "Šturje Ćirić": "Šturje Ciric", "مرحبا": "?????", "L’8 – oggi": "L’8 – oggi",
		"a\u0085b\u009fc": "a?b?c",
	} {
		if got := toWindows1252(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
