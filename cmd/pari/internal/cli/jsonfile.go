package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// unmarshalJSON reads a message from a JSON file. An error names the line, or the field by its path.
func unmarshalJSON(name string, raw []byte, m proto.Message) error {
	err := protojson.Unmarshal(raw, m)
	if err == nil {
		return nil
	}
	kind := m.ProtoReflect().Descriptor().Name()
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(raw, new(any)), &syntax) {
		line := lineAt(raw, min(int(syntax.Offset), len(raw)))
		return errorf("%s, riga %d: non è JSON; manca o avanza qualcosa, per esempio una virgola",
			"%s, line %d: not JSON; something is missing or too much, a comma for instance", name, line)
	}
	offset, ok := errorOffset(raw, err)
	path := jsonPath(raw, offset)
	switch {
	case !ok || path == "":
		return errorf("%s non contiene una segnalazione in JSON; vedi %s in proto/pari/intake/v1",
			"%s is not a report in JSON; see %s in proto/pari/intake/v1", name, kind)
	case strings.Contains(err.Error(), "unknown field"):
		return errorf("%s, riga %d: il campo %s non c'è; vedi %s in proto/pari/intake/v1",
			"%s, line %d: there is no field %s; see %s in proto/pari/intake/v1", name, lineAt(raw, offset), path, kind)
	case strings.Contains(err.Error(), "duplicate field"):
		return errorf("%s, riga %d: il campo %s c'è due volte", "%s, line %d: the field %s is there twice",
			name, lineAt(raw, offset), path)
	}
	return errorf("%s, riga %d: il campo %s non può avere questo valore; vedi %s in proto/pari/intake/v1",
		"%s, line %d: the field %s cannot have this value; see %s in proto/pari/intake/v1",
		name, lineAt(raw, offset), path, kind)
}

var errorPosition = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// errorOffset returns the offset that an error of protojson is about.
func errorOffset(raw []byte, err error) (offset int, ok bool) {
	position := errorPosition.FindStringSubmatch(err.Error())
	if position == nil {
		return 0, false
	}
	line, lineErr := strconv.Atoi(position[1])
	column, columnErr := strconv.Atoi(position[2]) // counted in runes
	if lineErr != nil || columnErr != nil {
		return 0, false
	}
	for range line - 1 {
		offset += bytes.IndexByte(raw[offset:], '\n') + 1
	}
	for range column - 1 {
		_, size := utf8.DecodeRune(raw[offset:])
		offset += size
	}
	return offset, true
}

// jsonLevel is an object or an array that a reader is inside of.
type jsonLevel struct {
	array bool
	index int    // of the element, in an array
	name  string // of the field, in an object
	value bool   // the next token of an object is a value
}

// next passes a value.
func (l *jsonLevel) next() {
	l.index++
	l.value = false
}

// jsonPath returns the path of the field or element at an offset of valid JSON, for instance "consents[0].code".
func jsonPath(raw []byte, offset int) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	levels := []*jsonLevel{{array: true}} // the document
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		top := levels[len(levels)-1]
		delimiter, _ := token.(json.Delim)
		isName := !top.array && !top.value && delimiter == 0
		if isName {
			top.name, _ = token.(string)
			top.value = true
		}
		if int(decoder.InputOffset()) > offset {
			return formatPath(levels[1:])
		}
		switch {
		case isName:
		case delimiter == '{', delimiter == '[':
			levels = append(levels, &jsonLevel{array: delimiter == '['})
		case delimiter != 0:
			levels = levels[:len(levels)-1]
			levels[len(levels)-1].next()
		default:
			top.next()
		}
	}
}

func formatPath(levels []*jsonLevel) string {
	var b strings.Builder
	for _, l := range levels {
		switch {
		case l.array:
			fmt.Fprintf(&b, "[%d]", l.index)
		case b.Len() > 0:
			b.WriteString("." + l.name)
		default:
			b.WriteString(l.name)
		}
	}
	return b.String()
}
