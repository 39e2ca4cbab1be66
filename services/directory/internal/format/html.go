package format

import (
	"bytes"
	"html"
	"strings"
	"unicode"
)

// page writes HTML. Every text and every value goes through it escaped; only names of elements and of attributes, which are
// constants of this package, are written as they are.
type page struct{ out bytes.Buffer }

// tag is a constant of the program: what comes from an entry can never be one.
type tag string

// attribute is a name and a value, which is escaped.
type attribute struct {
	name  tag
	value string
}

// element writes an element with what inside writes.
func (p *page) element(name tag, attributes []attribute, inside func()) {
	p.open(name, attributes)
	inside()
	p.out.WriteString("</" + string(name) + ">\n")
}

// text writes an element that holds a text; nothing where there is no text.
func (p *page) text(name tag, text string, attributes ...attribute) {
	if strings.TrimSpace(text) == "" {
		return
	}
	p.open(name, attributes)
	p.out.WriteString(escaped(text) + "</" + string(name) + ">\n")
}

// void writes an element that holds nothing.
func (p *page) void(name tag, attributes ...attribute) {
	p.open(name, attributes)
	p.out.WriteByte('\n')
}

func (p *page) open(name tag, attributes []attribute) {
	p.out.WriteString("<" + string(name))
	for _, a := range attributes {
		p.out.WriteString(" " + string(a.name) + `="` + escaped(a.value) + `"`)
	}
	p.out.WriteByte('>')
}

// items writes a list of texts, each with these attributes; nothing where there are none.
func (p *page) items(all []string, attributes ...attribute) {
	if len(all) == 0 {
		return
	}
	p.element("ul", nil, func() {
		for _, one := range all {
			p.text("li", one, attributes...)
		}
	})
}

// escaped is a text as HTML shows it. Control characters, which HTML forbids, and those that turn the direction of the text
// around them, which could make a page say what it does not, are left out.
func escaped(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}
