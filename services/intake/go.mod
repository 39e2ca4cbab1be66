module github.com/retepari/pari/services/intake

go 1.26
