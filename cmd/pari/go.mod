module github.com/retepari/pari/cmd/pari

go 1.26
