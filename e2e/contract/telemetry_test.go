package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Ensure that docs/telemetry.md lists the metrics that pkg and the services create, no others, and their units.
func TestTelemetry_ListsMetrics(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, dir := range []string{"pkg", "services"} {
		maps.Copy(want, metricsOf(t, filepath.Join("..", "..", dir)))
	}
	if len(want) < 15 {
		t.Fatalf("only %d metrics found in the sources", len(want))
	}
	got := map[string]string{}
	for _, row := range tableRows(t, "| metric |") {
		got[row[0]] = row[1]
	}
	for name, unit := range want {
		if page, ok := got[name]; !ok || (unit != "" && page != unit) {
			t.Errorf("docs/telemetry.md: %s has the unit %q, want %q", name, page, unit)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/telemetry.md: no source creates %s", name)
		}
	}
}

// Ensure that docs/telemetry.md lists the attributes of the log line of a call, in their order.
func TestTelemetry_ListsLogAttributes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../pkg/rpc/pipeline.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "log" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isSlog(call) {
				want = append(want, literals(call)[0])
			}
			return true
		})
	}
	var got []string
	for _, row := range tableRows(t, "| attribute |") {
		got = append(got, row[0])
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("docs/telemetry.md lists %q, want %q", got, want)
	}
}

func isSlog(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "slog"
}

// tableRows returns the cells of the table of docs/telemetry.md that begins with header, without backticks.
func tableRows(t *testing.T, header string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n"+header)
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(strings.ReplaceAll(line, "`", ""), " | "); strings.HasPrefix(line, "| `") {
			cells[0] = strings.TrimPrefix(cells[0], "| ")
			rows = append(rows, cells)
		}
	}
	return rows
}

var (
	metricName  = regexp.MustCompile(`^pari\.[a-z_]+\.[a-z_]+$`)
	constructor = regexp.MustCompile(`(?i)(counter|gauge|histogram)$`)
)

// metricsOf returns the metrics that the sources below a directory create, by name. The value is the unit of a gauge,
// the last text in the call. It is empty where the unit is not in the call.
func metricsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	metrics := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !constructor.MatchString(calleeName(call)) {
				return true
			}
			if texts := literals(call); len(texts) > 0 && metricName.MatchString(texts[0]) {
				metrics[texts[0]] = ""
				if strings.HasSuffix(strings.ToLower(calleeName(call)), "gauge") {
					metrics[texts[0]] = texts[len(texts)-1]
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return metrics
}

func calleeName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// literals returns the texts in the arguments of a call, in order.
func literals(call *ast.CallExpr) (texts []string) {
	for _, argument := range call.Args {
		ast.Inspect(argument, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	return texts
}
