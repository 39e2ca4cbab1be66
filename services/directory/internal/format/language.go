package format

import "strings"

// signLIS is the Italian sign language in our list, signISE in ISO 639-3 and in BCP 47: ISO 639-1 has no sign
// languages.
const signLIS, signISE = "LIS", "ise"

// languageTag returns the ISO 639 code of a code of our list.
func languageTag(code string) string {
	if code == signLIS {
		return signISE
	}
	return strings.ToLower(code)
}

// languageCode is the inverse of languageTag.
func languageCode(tag string) string {
	if strings.EqualFold(tag, signISE) {
		return signLIS
	}
	return strings.ToUpper(tag)
}
