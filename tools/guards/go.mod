module github.com/retepari/pari/tools/guards

go 1.26.0
