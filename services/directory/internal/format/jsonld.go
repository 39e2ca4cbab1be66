package format

import (
	"bytes"
	"encoding/json"
)

// node is an object of JSON; keys come out in the order of the alphabet, so the same node gives the same bytes.
type node map[string]any

// put sets a key where there is something to say: no empty text, no empty list, no empty node.
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

// texted is a text in a language, or nothing.
func langString(lang, text string) node {
	if text == "" {
		return nil
	}
	return node{"@language": lang, "@value": text}
}

// typed is a value of a type of XML Schema, or nothing.
func typedValue(kind, value string) node {
	if value == "" {
		return nil
	}
	return node{"@type": kind, "@value": value}
}

// ref names a thing that is described elsewhere, or nothing.
func ref(iri string) node {
	if iri == "" {
		return nil
	}
	return node{"@id": iri}
}

// bilingual is a text in Italian and English.
func bilingual(it, en string) []node {
	var all []node
	for _, n := range []node{langString("it", it), langString("en", en)} {
		if n != nil {
			all = append(all, n)
		}
	}
	return all
}

// encode writes JSON, indented, with <, > and & escaped so that it can stand in a page.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
