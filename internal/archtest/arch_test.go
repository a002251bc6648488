// Package archtest keeps the direction of imports: the core knows nothing of the world, the engines nothing of each other. docs/concepts.md
// has the table below in words.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/trefoil-gitops/trefoil"

// rules say which of our rooms and which modules of others a room may import, beside the standard library. A room that is not
// listed may import nothing. Tests are free.
var rules = map[string][]string{
	"schema":             {"cuelang.org/go"},
	"render":             {"schema", "sigs.k8s.io/yaml"},
	"reconcile/plan":     {"schema", "render"},
	"reconcile/review":   {"schema", "render", "reconcile/plan"},
	"reconcile":          {"internal/redact", "schema", "render", "reconcile/plan"},
	"internal/redact":    {},
	"internal/canary":    {},
	"internal/compare":   {"k8s.io/apimachinery"},
	"internal/gitrepo":   {"internal/redact", "schema", "reconcile", "reconcile/plan", "github.com/fsnotify/fsnotify", "github.com/go-git", "golang.org/x/crypto", "golang.org/x/sys"},
	"internal/kube":      {"internal/compare", "internal/redact", "schema", "render", "reconcile", "reconcile/plan", "k8s.io"},
	"internal/polyaxon":  {"internal/compare", "internal/redact", "schema", "render", "reconcile", "reconcile/plan"},
	"internal/metrics":   {"render", "reconcile", "reconcile/plan", "github.com/prometheus/client_golang"},
	"internal/sandbox":   {"schema", "golang.org/x/sys"},
	"internal/signature": {"github.com/ProtonMail/go-crypto", "github.com/hiddeco/sshsig", "golang.org/x/crypto"},
	"internal/cache":     {},
	"internal/registry":  {"internal/redact", "github.com/google/go-containerregistry"},
	"internal/webhook":   {},
	"internal/local": {
		"internal/compare", "internal/redact", "internal/registry", "internal/local/python", "internal/local/seldon", "internal/local/space", "schema", "render", "reconcile", "reconcile/plan",
		"github.com/google/go-containerregistry",
	},
	"internal/local/python": {},
	"internal/local/seldon": {},
	"internal/local/space":  {},
	"internal/memory":       {"schema", "render", "reconcile", "reconcile/plan"},
	"internal/enginetest":   {"schema", "render", "reconcile", "reconcile/plan"},
	"docs":                  {},
	"examples":              {},
	"cmd/trefoil":           {"*"},
	"e2e":                   {"*"},
	"":                      {},
}

// core may import only these packages of the standard library: no clock, no network, no file, no log.
var core = map[string][]string{
	"reconcile/plan":   {"cmp", "fmt", "maps", "math", "slices", "strconv", "strings", "time"},
	"reconcile/review": {"cmp", "encoding/json", "fmt", "html", "iter", "maps", "math", "reflect", "slices", "strconv", "strings", "time", "unicode", "unicode/utf8"},
}

// pure are the rooms that no clock may reach.
var pure = []string{"schema", "render", "reconcile/plan", "reconcile/review", "internal/compare", "internal/local/space"}

// clocks are the calls that ask what time it is, or wait.
func clocks(f *ast.File) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "Sleep", "Tick"}, s.Sel.Name) {
			all = append(all, "time."+s.Sel.Name)
		}
		return true
	})
	return all
}

func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "tools" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if slices.Contains(pure, path.Dir(name)) {
			for _, call := range clocks(f) {
				t.Errorf("%s calls %s: what it decides may not depend on when that is", name, call)
			}
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if !allowed(path.Dir(name), imported) {
				t.Errorf("%s imports %s: the rules of its room do not allow that", name, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files were looked at", files)
	}
}

// TestRulesBite proves that the test can fail.
func TestRulesBite(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { g(time.Now()) }", 0)
	if err != nil || !slices.Equal(clocks(f), []string{"time.Now"}) {
		t.Errorf("clocks are %v, %v", clocks(f), err)
	}
	for room, imported := range map[string]string{
		"reconcile/plan":    "log/slog",
		"schema":            module + "/render",
		"internal/polyaxon": module + "/internal/kube",
		"internal/new":      module + "/schema",
	} {
		if allowed(room, imported) {
			t.Errorf("%s may import %s", room, imported)
		}
	}
}

func allowed(room, imported string) bool {
	if room == "." {
		room = ""
	}
	if strings.HasPrefix(room, "e2e/") {
		room = "e2e"
	}
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		list, pure := core[room]
		return !pure || slices.Contains(list, imported)
	}
	for _, rule := range rules[room] {
		if rule == "*" || imported == module+"/"+rule || strings.Contains(rule, ".") && under(imported, rule) {
			return true
		}
	}
	return false
}

func under(imported, rule string) bool {
	return imported == rule || strings.HasPrefix(imported, rule+"/")
}
