module github.com/retepari/pari/e2e

go 1.26
