// Package rome is the time that the network lives in: offices open, days end and months are counted in it.
package rome

import (
	"encoding/base64"
	"time"
)

// Zone is the time zone of Italy. It is compiled in, since images hold no zones, and alone, since all of them together take as
// much room as a service's own code.
var Zone = zone()

// tzif is Europe/Rome of the IANA time zone database, in its own form (RFC 9636), as the Go toolchain carries it. A test compares
// them; `go test ./pkg/rome -update` takes over what a new toolchain says.
const tzif = "VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABXAAAABAAAABH/////PijoTP////9wvIFw/////5s4+HD/////m9XM4P////+cxcvw/////523AGD/////non+cP////+foBzg/////6BgpfD/////oX6tYP////+iXDdw/////6NMGmD/////yGw18P/////M50sQ/////82pF5D/////zqJDEP/////PkjQQ/////9BuXpD/////0XIWEP/////STNLw/////9M+MZD/////1EnSEP/////VHfdw/////9Ypl/D/////1uuAkP/////YCZYQ//////kztfD/////+dnE4P/////7HNJw//////u5tPD//////Py0cP/////9mZbw//////7l0PD//////4KzcAAAAAAAxbLwAAAAAAFilXAAAAAAApxacAAAAAADQndwAAAAAASFdvAAAAAABSuT8AAAAAAGbpNwAAAAAAcLdfAAAAAACEU68AAAAAAI61fwAAAAAAouV3AAAAAACss58AAAAAAMDjlwAAAAAAyrG/AAAAAADeTg8AAAAAAOiv3wAAAAAA/N/XAAAAAAEHQacAAAAAARrd9wAAAAABJT/HAAAAAAE01EEAAAAAAUM/qQAAAAABUj65AAAAAAFhPckAAAAAAXA82QAAAAABfzvpAAAAAAGOOvkAAAAAAZ06CQAAAAABrDkZAAAAAAG7y9EAAAAAAcrK4QAAAAAB2cnxAAAAAAHoyQEAAAAAAffIEQAAAAACBschAAAAAAIVxjEAAAAAAiTFQQAAAAACM8RRAAAAAAJCw2EAAAAAAlHCcQAAAAACYMGBAAAAAAJwVDkAAAAAAn9TSQAAAAACjlJZAAAAAAKdUWkAAAAAAqxQeQAAAAACu0+JAAAAAALKTpkAAAAAAtlNqQAAAAAC6Ey5AAAAAAL3S8kAAAAAAwZK2QAAAAADFd2RABAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIDAgMCAwIAAAu0AAAAAAu0AAQAABwgAQgAAA4QAA1MTVQAUk1UAENFU1QAQ0VUAApDRVQtMUNFU1QsTTMuNS4wLE0xMC41LjAvMwo="

func zone() *time.Location {
	raw, err := base64.StdEncoding.DecodeString(tzif)
	if err != nil {
		panic(err) // it is compiled in
	}
	l, err := time.LoadLocationFromTZData("Europe/Rome", raw)
	if err != nil {
		panic(err) // it is compiled in
	}
	return l
}
