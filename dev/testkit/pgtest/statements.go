package pgtest

import (
	"context"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/retepari/pari/pkg/pg"
)

// PrepareStatements finds the SQL statements in the sources of the package under test, and checks that Postgres can
// prepare each on the migrated schema, as the role that sends it. It walks the uses, so a statement cannot be forgotten:
//
//   - every constant argument of Exec, Query, QueryRow and Queue,
//   - every string constant that begins with an SQL verb, for statements that are passed on as arguments,
//   - every pg.InsertInto with constant arguments.
//
// A call whose statement is neither constant nor a parameter or variable fails: nobody would check it.
func PrepareStatements(t testing.TB, db *pgxpool.Pool) {
	t.Helper()
	statements := findStatements(t, ".")
	if len(statements) == 0 {
		t.Fatal("no SQL statement found in the package")
	}
	conn, err := db.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for sql, position := range statements {
		if _, err := conn.Conn().Prepare(context.Background(), "", sql); err != nil {
			t.Errorf("%s: %v\n%s", position, err, sql)
		}
	}
}

var sqlVerb = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with|notify|listen|truncate|lock) `)

// findStatements returns the statements in the non-test files of a folder, with the position of one use of each.
func findStatements(t testing.TB, dir string) map[string]token.Position {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	// Imports are not resolved: constants of the package itself are all that is needed, and errors are expected.
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, FakeImportC: true}
	_, _ = config.Check(dir, fset, files, info)

	found := map[string]token.Position{}
	constantString := func(e ast.Expr) (string, bool) {
		v := info.Types[e].Value
		if v == nil || v.Kind() != constant.String {
			return "", false
		}
		return constant.StringVal(v), true
	}
	for ident, object := range info.Defs {
		c, ok := object.(*types.Const)
		if ok && c.Val().Kind() == constant.String && sqlVerb.MatchString(constant.StringVal(c.Val())) {
			found[constant.StringVal(c.Val())] = fset.Position(ident.Pos())
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sql := statementArgument(call); sql != nil {
				if text, ok := constantString(sql); ok {
					found[text] = fset.Position(call.Pos())
				} else if _, computed := sql.(*ast.BinaryExpr); computed {
					t.Errorf("%s: the statement is built at run time", fset.Position(call.Pos()))
				}
			}
			if text := insertStatement(call, constantString); text != "" {
				found[text] = fset.Position(call.Pos())
			}
			return true
		})
	}
	return found
}

// statementArgument returns the SQL argument of a call of pgx, or nil.
func statementArgument(call *ast.CallExpr) ast.Expr {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	index := map[string]int{"Exec": 1, "Query": 1, "QueryRow": 1, "Queue": 0}
	i, known := index[selector.Sel.Name]
	if !known || len(call.Args) <= i {
		return nil
	}
	return call.Args[i]
}

func insertStatement(call *ast.CallExpr, constantString func(ast.Expr) (string, bool)) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "InsertInto" {
		return ""
	}
	var args []string
	for _, arg := range call.Args {
		text, ok := constantString(arg)
		if !ok {
			return ""
		}
		args = append(args, text)
	}
	return pg.InsertInto(args[0], args[1:]...).SQL()
}

// Prepares checks that Postgres understands every statement on the migrated schema, as the role that will send it.
func Prepares(t testing.TB, pool *pgxpool.Pool, statements map[string]string) {
	t.Helper()
	if len(statements) == 0 {
		t.Fatal("no statements to prepare")
	}
	conn, err := pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for name, sql := range statements {
		if _, err := conn.Conn().Prepare(context.Background(), "", sql); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
