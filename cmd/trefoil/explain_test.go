package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/docs"
	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/schema"
)

// archive is a repository without git: its folders have no hashes worth looking at.
type archive struct{ fstest.MapFS }

func (f archive) Hash(name string) (string, error) {
	if _, err := f.Stat(name); err != nil {
		return "", err
	}
	return strings.Repeat("0", 40), nil
}

// TestPages holds every page to what it says: its wrong example gives its code and no other, in the words of the page, and its right
// one gives no finding at all. UPDATE=1 writes the words.
func TestPages(t *testing.T) {
	for code, title := range schema.Codes() {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			page, found := docs.Finding(code)
			if !found || !strings.HasPrefix(page, "# "+code+": "+title+"\n\n") {
				t.Fatalf("there is no page, or it does not begin with the title %q", title)
			}
			before, rest, _ := strings.Cut(page, "## Wrong\n")
			wrong, right, found := strings.Cut(rest, "## Right\n")
			if !found {
				t.Fatal("the page lacks an example")
			}
			if got := examined(t, code, right); len(got) > 0 {
				t.Errorf("the right example gives %v", got)
			}
			said := ""
			for _, f := range examined(t, code, wrong) {
				if f.Code != code {
					t.Errorf("the wrong example gives %s", f)
				}
				said += fmt.Sprintf("%s %s: %s\n", f.Severity, f.Code, asOnPage(wrong, sentence(f)))
			}
			wantSaid(t, code, before, wrong, right, said)
		})
	}
}

// asOnPage is what a finding says without what the test itself brings in: the line of the package, how long a model may take here, and
// whether it was time or memory that came to an end first.
func asOnPage(section, says string) string {
	says = regexp.MustCompile(`took longer than \w+|ran out of memory`).ReplaceAllString(says, "took longer than 10s")
	if strings.Contains(section, "```cue\n"+whole) {
		return says
	}
	return regexp.MustCompile(`models\.cue:\d+`).ReplaceAllStringFunc(says, func(place string) string {
		file, line, _ := strings.Cut(place, ":")
		n, _ := strconv.Atoi(line)
		return fmt.Sprintf("%s:%d", file, n-1)
	})
}

// wantSaid compares what an example gives with the block of text that the page has below it.
func wantSaid(t *testing.T, code, before, wrong, right, said string) {
	t.Helper()
	const block = "```text\n"
	example, want, found := strings.Cut(wrong, block)
	if os.Getenv("UPDATE") != "" {
		page := before + "## Wrong\n" + example + block + said + "```\n\n## Right\n" + right
		if err := os.WriteFile(filepath.Join("../../docs/findings", code+".md"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.TrimSuffix(want, "```\n\n"), said); !found || said == "" || diff != "" {
		t.Errorf("what the wrong example gives (-page +got):\n%s", diff)
	}
}

// examined are the findings about the example in a part of a page.
func examined(t *testing.T, code, section string) []schema.Finding {
	t.Helper()
	tree := archive{fstest.MapFS{"train/run.py": {}, "serve/Model.py": {}}}
	for name, text := range blocks(section) {
		tree.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
	}
	complete(tree.MapFS)
	a := &app{evaluate: schema.Evaluate}
	switch code {
	case "TRF0002": // what the page leaves out
		large := strings.Replace(string(tree.MapFS["models.cue"].Data), "// ...", strings.Repeat("// ...\n", 1<<18), 1)
		tree.MapFS["models.cue"] = &fstest.MapFile{Data: []byte(large)}
	case "TRF0011": // what would take all memory, in a process of its own
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		a.evaluate = sandbox.New(sandbox.Options{Command: []string{program, "trefoil", childVerb}, Deadline: 2 * time.Second}).Evaluate
	case "TRF0012":
		if strings.Contains(section, "all the time") {
			a.evaluate = tooLate
		}
	}
	c, err := a.load(context.Background(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return c.Findings
}

// tooLate is an Evaluator that no time is left for.
func tooLate(ctx context.Context, files map[string][]byte) (schema.Survey, []schema.Verdict, error) {
	survey, verdicts, err := schema.Evaluate(ctx, files)
	for i, unit := range survey.Units {
		if unit.Scope.Model != "" {
			verdicts[i] = unit.Unjudged()
		}
	}
	return survey, verdicts, err
}

// blocks are the code blocks of CUE in a part of a page, by file.
func blocks(section string) map[string]string {
	files := map[string]string{}
	for i, part := range strings.Split(section, "```") {
		head, text, _ := strings.Cut(part, "\n")
		language, file, named := strings.Cut(head, " ")
		if i%2 == 0 || language != "cue" {
			continue
		}
		if !named {
			file = "models.cue"
		}
		files[file] = text
	}
	return files
}

// whole is what an example begins with that leaves nothing out.
const whole = "package "

// complete adds what an example leaves out that shows a part of models.cue: the package, the rest of the model, and two releases of it.
func complete(files fstest.MapFS) {
	text := string(files["models.cue"].Data)
	if strings.HasPrefix(text, whole) {
		return
	}
	text = "package models\n" + text
	files["models.cue"] = &fstest.MapFile{Data: []byte(text)}
	f, err := parser.ParseFile("models.cue", text)
	if err != nil {
		return
	}
	written := map[string]bool{}
	paths(written, "", f.Decls)
	rest := "package models\n"
	for path, value := range map[string]string{
		"train.image": `"registry.example/train:1"`, "train.command": `["python", "run.py", "--lr={{ lr }}"]`, "train.artifact": `"model.dat"`,
		"train.search": `{random: experiments: 10, matrix: lr: uniform: "0.01:0.1"}`, "select.metric": `"accuracy"`, "select.goal": `"maximize"`,
		"package": `{image: "registry.example/mnist", source: path: "serve"}`,
	} {
		if !written["models.mnist."+path] && (path != "package" || written["models.mnist.serve"]) {
			rest += "models: mnist: " + strings.ReplaceAll(path, ".", ": ") + ": " + value + "\n"
		}
	}
	files["rest.cue"] = &fstest.MapFile{Data: []byte(rest)}
	if files["selected/mnist.cue"] == nil {
		files["selected/mnist.cue"] = &fstest.MapFile{Data: []byte(releases)}
	}
}

// releases are those that the examples speak of: the third one was removed.
const releases = `package models

selected: mnist: {latest: 2, last: 3, releases: "1": _, releases: "2": _}
selected: mnist: releases: [string]: {
	answers: {search: "v1-1", select: "v1-2", package: "v1-3"}
	experiment: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
	metrics: {accuracy: 0.97, loss: 0.3}
	artifact: {path: "model.dat", sha256: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"}
	commit: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
	image:  "registry.example/mnist@sha256:f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
}
`

// paths marks the fields that are written, with dots between their names.
func paths(written map[string]bool, around string, decls []ast.Decl) {
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, _ := ast.LabelName(f.Label)
		written[around+name] = true
		if inner, ok := f.Value.(*ast.StructLit); ok {
			paths(written, around+name+".", inner.Elts)
		}
	}
}
