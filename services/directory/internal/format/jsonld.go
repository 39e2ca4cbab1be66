package format

import (
	"bytes"
	"encoding/json"
)

// node is a JSON object. Its keys are encoded in alphabetical order, so the same node gives the same bytes.
type node map[string]any

// put sets a key unless the value is an empty text, list or node.
func (n node) put(key string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case []node:
		if len(v) == 0 {
			return
		}
	case node:
		if len(v) == 0 {
			return
		}
	}
	n[key] = value
}

// langString returns a text with its language, or nil if it is empty.
func langString(lang, text string) node {
	if text == "" {
		return nil
	}
	return node{"@language": lang, "@value": text}
}

// typedValue returns a value with an XML Schema type, or nil if it is empty.
func typedValue(kind, value string) node {
	if value == "" {
		return nil
	}
	return node{"@type": kind, "@value": value}
}

// ref returns a reference to another node, or nil if the IRI is empty.
func ref(iri string) node {
	if iri == "" {
		return nil
	}
	return node{"@id": iri}
}

// bilingual returns a text in Italian and English, without an empty one.
func bilingual(it, en string) []node {
	var all []node
	for _, n := range []node{langString("it", it), langString("en", en)} {
		if n != nil {
			all = append(all, n)
		}
	}
	return all
}

// encode encodes indented JSON with <, > and & escaped, so that it can be embedded in an HTML page.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
