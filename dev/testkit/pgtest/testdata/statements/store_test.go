package statements

const inTest = `select 1 from test`
