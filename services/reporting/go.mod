module github.com/retepari/pari/services/reporting

go 1.26
