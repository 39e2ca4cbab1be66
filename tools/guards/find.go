package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// guard is one place that can be disabled.
type guard struct {
	file     string
	line     int
	text     string // what is disabled
	disabled []byte // the file without the guard
}

// findGuards returns the guards in the hand-written production files below a folder.
func findGuards(folder string) ([]guard, error) {
	var all []guard
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		found, err := guardsInFile(path)
		all = append(all, found...)
		return err
	})
	return all, err
}

func guardsInFile(path string) ([]guard, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{path: path, source: source, fset: fset}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			f.ifStatement(n)
		case *ast.SwitchStmt:
			f.switchStatement(n)
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				f.operands(e)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				f.whereClause(n)
			}
		}
		return true
	})
	return f.found, nil
}

type finder struct {
	path   string
	source []byte
	fset   *token.FileSet
	found  []guard
}

// ifStatement disables a condition that leaves the function or loop. A plain error check is not a guard: it passes on
// what another guard found.
func (f *finder) ifStatement(s *ast.IfStmt) {
	if !isErrorCheck(s.Cond) && s.Else == nil && leaves(s.Body) {
		f.replace(s.Cond, "false && (%s)")
	}
	f.operands(s.Cond)
}

// switchStatement disables the cases of a switch without a tag.
func (f *finder) switchStatement(s *ast.SwitchStmt) {
	if s.Tag != nil {
		return
	}
	for _, c := range s.Body.List {
		clause, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		for _, e := range clause.List {
			if !isErrorCheck(e) {
				f.replace(e, "false && (%s)")
			}
			f.operands(e)
		}
	}
}

// operands disables each operand of && and ||.
func (f *finder) operands(e ast.Expr) {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Op != token.LAND && b.Op != token.LOR {
		return
	}
	neutral := "(true || (%s))"
	if b.Op == token.LOR {
		neutral = "(false && (%s))"
	}
	for _, operand := range []ast.Expr{b.X, b.Y} {
		if !isErrorCheck(operand) {
			f.replace(operand, neutral)
		}
		f.operands(operand)
	}
}

func (f *finder) replace(e ast.Expr, format string) {
	from, to := f.fset.Position(e.Pos()).Offset, f.fset.Position(e.End()).Offset
	text := string(f.source[from:to])
	f.add(f.fset.Position(e.Pos()).Line, text, from, to, fmt.Sprintf(format, text))
}

func (f *finder) add(line int, text string, from, to int, replacement string) {
	disabled := slices.Concat(f.source[:from], []byte(replacement), f.source[to:])
	oneLine := strings.Join(strings.Fields(text), " ")
	f.found = append(f.found, guard{file: f.path, line: line, text: oneLine, disabled: disabled})
}

// isErrorCheck reports whether an expression only asks whether there is an error.
func isErrorCheck(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ && b.Op != token.EQL {
		return false
	}
	x, okX := b.X.(*ast.Ident)
	y, okY := b.Y.(*ast.Ident)
	return okX && okY && y.Name == "nil" && strings.Contains(strings.ToLower(x.Name), "err")
}

// leaves reports whether a block ends by leaving the function or the loop.
func leaves(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch last := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		call, ok := last.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		ident, ok := call.Fun.(*ast.Ident)
		return ok && ident.Name == "panic"
	}
	return false
}

// tenant is the part of a WHERE clause that row security repeats. It is not drawn: without it a statement does the
// same, and the tests of row security show why.
var tenant = regexp.MustCompile(`^(\w+\.)?(node|region) = (\$1|\w+\.(node|region))$`)

// whereClause disables each part of the WHERE clauses of an SQL statement.
func (f *finder) whereClause(lit *ast.BasicLit) {
	text, err := strconv.Unquote(lit.Value)
	if err != nil || !strings.HasPrefix(lit.Value, "`") {
		return
	}
	start := f.fset.Position(lit.Pos()).Offset + 1
	for _, c := range conjuncts(text) {
		if tenant.MatchString(text[c.from:c.to]) {
			continue
		}
		from, to := start+c.from, start+c.to
		line := f.fset.Position(lit.Pos()).Line + strings.Count(text[:c.from], "\n")
		f.add(line, "where … "+text[c.from:c.to], from, to, "("+text[c.from:c.to]+" or true)")
	}
}
