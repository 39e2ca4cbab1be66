module github.com/retepari/pari/services/directory

go 1.26
