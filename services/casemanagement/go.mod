module github.com/retepari/pari/services/casemanagement

go 1.26
