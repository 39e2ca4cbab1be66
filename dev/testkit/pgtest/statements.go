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

// PrepareStatements finds the SQL statements in the sources of the package under test and checks that Postgres can
// prepare each on the migrated schema, with the role that the service runs as. It finds statements where they are used,
// so none can be forgotten:
//
//   - every constant argument of Exec, Query, QueryRow and Queue,
//   - every string constant that begins with an SQL verb, because it may be passed on as an argument,
//   - every pg.InsertInto with constant arguments.
//
// A statement that is concatenated at run time fails the test, because it could not be checked.
func PrepareStatements(t testing.TB, db *pgxpool.Pool) {
	t.Helper()
	found, err := findStatements(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(found.sql) == 0 {
		t.Fatal("the package has no SQL statement")
	}
	for _, position := range found.concatenated {
		t.Errorf("%s: the statement is built at run time", position)
	}
	conn, err := db.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for sql, position := range found.sql {
		if _, err := conn.Conn().Prepare(context.Background(), "", sql); err != nil {
			t.Errorf("%s: %v\n%s", position, err, sql)
		}
	}
}

// statements are the SQL statements of a package.
type statements struct {
	sql          map[string]token.Position // position of one use of each statement
	concatenated []token.Position          // calls whose statement is built at run time
}

var sqlVerb = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with|notify|listen|truncate|lock) `)

// findStatements returns the statements in the non-test files of dir.
func findStatements(dir string) (statements, error) {
	p, err := parsePackage(dir)
	if err != nil {
		return statements{}, err
	}
	found := statements{sql: map[string]token.Position{}}
	for ident, object := range p.info.Defs {
		c, ok := object.(*types.Const)
		if ok && c.Val().Kind() == constant.String && sqlVerb.MatchString(constant.StringVal(c.Val())) {
			found.sql[constant.StringVal(c.Val())] = p.fset.Position(ident.Pos())
		}
	}
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				found.addCall(p, call)
			}
			return true
		})
	}
	return found, nil
}

// addCall adds the statement of a call of pgx or pg.InsertInto.
func (s *statements) addCall(p *sourcePackage, call *ast.CallExpr) {
	if arg := statementArgument(call); arg != nil {
		if sql, ok := p.stringValue(arg); ok {
			s.sql[sql] = p.fset.Position(call.Pos())
		} else if _, ok := arg.(*ast.BinaryExpr); ok {
			s.concatenated = append(s.concatenated, p.fset.Position(call.Pos()))
		}
	}
	if sql, ok := p.insertStatement(call); ok {
		s.sql[sql] = p.fset.Position(call.Pos())
	}
}

// sourcePackage is a parsed package with the values of its constants.
type sourcePackage struct {
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

func parsePackage(dir string) (*sourcePackage, error) {
	p := &sourcePackage{fset: token.NewFileSet()}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(p.fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, file)
	}
	// Imports are not resolved, so type errors are expected. The package's own constants are evaluated all the same.
	p.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, FakeImportC: true}
	_, _ = config.Check(dir, p.fset, p.files, p.info)
	return p, nil
}

// stringValue returns the value of a constant string expression.
func (p *sourcePackage) stringValue(e ast.Expr) (value string, ok bool) {
	v := p.info.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(v), true
}

// insertStatement returns the statement of a call of pg.InsertInto with constant arguments.
func (p *sourcePackage) insertStatement(call *ast.CallExpr) (sql string, ok bool) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "InsertInto" || len(call.Args) == 0 {
		return "", false
	}
	args := make([]string, len(call.Args))
	for i, arg := range call.Args {
		if args[i], ok = p.stringValue(arg); !ok {
			return "", false
		}
	}
	return pg.InsertInto(args[0], args[1:]...).SQL(), true
}

// statementIndex is the position of the SQL argument by method of pgx.
var statementIndex = map[string]int{"Exec": 1, "Query": 1, "QueryRow": 1, "Queue": 0}

// statementArgument returns the SQL argument of a call of pgx, or nil.
func statementArgument(call *ast.CallExpr) ast.Expr {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	i, ok := statementIndex[selector.Sel.Name]
	if !ok || len(call.Args) <= i {
		return nil
	}
	return call.Args[i]
}
