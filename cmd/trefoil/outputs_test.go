package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	cuejson "cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/jsonschema"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trefoil-gitops/trefoil/schema"
)

func jsonSchema(t *testing.T, name string) cue.Value {
	t.Helper()
	v, err := readSchema(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// readSchema reads a JSON schema; what of it CUE can't read is an error.
func readSchema(name string) (cue.Value, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return cue.Value{}, err
	}
	e, err := cuejson.Extract(name, data)
	if err != nil {
		return cue.Value{}, err
	}
	ctx := cuecontext.New()
	f, err := jsonschema.Extract(ctx.BuildExpr(e), &jsonschema.Config{StrictFeatures: true})
	if err != nil {
		return cue.Value{}, err
	}
	v := ctx.BuildFile(f)
	return v, v.Err()
}

// conforms is `conforms NAME`: what was printed last is what docs/schemas/NAME.json describes.
func conforms(ts *testscript.TestScript, neg bool, args []string) {
	described, err := readSchema(filepath.Join("..", "..", "docs", "schemas", args[0]+".json"))
	ts.Check(err)
	err = cuejson.Validate([]byte(ts.ReadFile("stdout")), described)
	if neg == (err == nil) {
		ts.Fatalf("%v", err)
	}
}

// repositories are what much can be found in: the broken ones of the tests of schema and render, one whose files have names that mean
// something in a URL, and one with nothing wrong.
func repositories(t *testing.T) []*txtar.Archive {
	t.Helper()
	broken, err := filepath.Glob("../../schema/testdata/broken/*.txtar")
	rendered, err2 := filepath.Glob("../../render/testdata/check/*.txtar")
	if err := errors.Join(err, err2); err != nil || len(broken) == 0 || len(rendered) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	var all []*txtar.Archive
	for _, name := range append(broken, rendered...) {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	for name, text := range map[string]string{
		"x:y% z#字.cue": "models: \"mnist\": {owner: 3, \"a](b) {0} \x1b[2J\": 1}", "models.cue": "models: {}",
	} {
		all = append(all, &txtar.Archive{Files: []txtar.File{{Name: name, Data: []byte("package models\n" + text + "\n")}}})
	}
	return all
}

// contents are the files of an archive without those that tests compare with.
func contents(a *txtar.Archive) fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range a.Files {
		if f.Name != "want" {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return files
}

// output is what validate prints of a verdict.
func output(t *testing.T, r verdict, format string) []byte {
	t.Helper()
	var out, wrong strings.Builder
	a := &app{out: &out, err: &wrong, flags: flags{output: format}}
	if err := a.printVerdict(r); err != nil || wrong.Len() > 0 {
		t.Fatalf("%v, %s", err, wrong.String())
	}
	return []byte(out.String())
}

func unpacked(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, contents(a)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// validated is what validate prints about a folder.
func validated(t *testing.T, dir, format string) []byte {
	t.Helper()
	var out, wrong strings.Builder
	a := &app{out: &out, err: &wrong, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	if code := a.run(context.Background(), []string{"validate", "-C", dir, "-o", format}); code > 1 || wrong.Len() > 0 {
		t.Fatalf("%s: exit code %d, %s", dir, code, wrong.String())
	}
	return []byte(out.String())
}

// TestOutputs holds what machines read of validate to its schemas: SARIF to that of OASIS, JSON to ours.
func TestOutputs(t *testing.T) {
	sarif, ours := jsonSchema(t, "testdata/schemas/sarif-schema-2.1.0.json"), jsonSchema(t, "../../docs/schemas/validate.json")
	codes := map[string]bool{}
	for _, repository := range repositories(t) {
		r := reviewed(t, contents(repository))
		inJSON, inSARIF := output(t, r, "json"), output(t, r, "sarif")
		if err := cuejson.Validate(inJSON, ours); err != nil {
			t.Errorf("%v\n%s", err, inJSON)
		}
		if err := cuejson.Validate(inSARIF, sarif); err != nil {
			t.Errorf("%v\n%s", err, inSARIF)
		}
		var log sarifLog
		var plain struct{ Findings []findingJSON }
		if err := errors.Join(json.Unmarshal(inSARIF, &log), json.Unmarshal(inJSON, &plain)); err != nil {
			t.Fatal(err)
		}
		run := log.Runs[0]
		if len(run.Results) != len(plain.Findings) {
			t.Errorf("%d results are made of %d findings", len(run.Results), len(plain.Findings))
		}
		for i, r := range run.Results {
			codes[r.RuleID] = true
			checkResult(t, run, r, plain.Findings[i])
		}
	}
	if len(codes) < 35 {
		t.Errorf("only %d codes were seen", len(codes))
	}
}

// checkResult holds a result to what GitHub asks for beyond the schema.
func checkResult(t *testing.T, run sarifRun, r sarifResult, f findingJSON) {
	t.Helper()
	rule := run.Tool.Driver.Rules[r.RuleIndex]
	if rule.ID != r.RuleID || !strings.Contains(rule.Help.Text, rule.ShortDescription.Text) || rule.Help.Markdown == "" {
		t.Errorf("the rule of %s is %s", r.RuleID, rule.ID)
	}
	at := r.Locations[0].Physical
	uri, err := url.Parse(at.Artifact.URI)
	if err != nil || uri.Scheme != "" || uri.Host != "" || !strings.HasSuffix("/"+uri.Path, "/"+f.File) || uri.Fragment != "" {
		t.Errorf("%q is the URI of %q", at.Artifact.URI, f.File)
	}
	if at.Region.StartLine != max(1, f.Line) || at.Region.StartColumn < 1 || at.Region.EndColumn < at.Region.StartColumn {
		t.Errorf("%+v is the region of line %d", at.Region, f.Line)
	}
	if strings.Contains(r.Message.Text, "](") || strings.Contains(r.Message.Text, "\x1b") {
		t.Errorf("%q is the message", r.Message.Text)
	}
}

// TestOutputsBite proves that the schemas refuse what is wrong.
func TestOutputsBite(t *testing.T) {
	sarif, ours := jsonSchema(t, "testdata/schemas/sarif-schema-2.1.0.json"), jsonSchema(t, "../../docs/schemas/validate.json")
	dir := unpacked(t, &txtar.Archive{Files: []txtar.File{{Name: "models.cue", Data: []byte("package models\nmodels: mnist: ownr: 1\n")}}})
	for _, c := range []struct {
		format, old, new string
		schema           cue.Value
	}{
		{"json", `"severity": "error"`, `"severity": "fatal"`, ours},
		{"json", `"line": 2`, `"line": 0`, ours},
		{"json", `"code"`, `"kode"`, ours},
		{"sarif", `"level": "error"`, `"level": "fatal"`, sarif},
		{"sarif", `"startLine": 2`, `"startLine": 0`, sarif},
		{"sarif", `"ruleIndex"`, `"rule"`, sarif},
	} {
		good := string(validated(t, dir, c.format))
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good || cuejson.Validate([]byte(bad), c.schema) == nil {
			t.Errorf("%s instead of %s is taken", c.new, c.old)
		}
	}
}

// TestSARIFPrefix: files are named from the root of the git repository.
func TestSARIFPrefix(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "team", "vision models")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "init", "--quiet", top).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "models.cue"), []byte("package models\nmodels: mnist: ownr: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(validated(t, dir, "sarif"), &log); err != nil {
		t.Fatal(err)
	}
	if uri := log.Runs[0].Results[0].Locations[0].Physical.Artifact.URI; uri != "team/vision%20models/models.cue" {
		t.Errorf("the URI is %s", uri)
	}
}
