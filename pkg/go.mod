module github.com/retepari/pari/pkg

go 1.26
