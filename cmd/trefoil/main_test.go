package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trefoil-gitops/trefoil/schema"
)

// promptly has a command that the race detector watches not sleep for a second before it ends.
const promptly = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trefoil": main})
}

// TestScripts runs the commands of testdata/script as users type them, offline. $EXAMPLES is the folder of examples, $KEYS one of keys; of the engines,
// $DEAD is a URL where nobody listens, $SILENT one that never answers, $FORBIDDEN one that refuses everything and $EMPTY one that has
// nothing; dead, silent, forbidden and empty are kubeconfig files for them. held is one for a cluster of the script's own.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Abs("../../internal/signature/testdata/keys")
	if err != nil {
		t.Fatal(err)
	}
	servers := servers(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			e.Setenv("KEYS", keys)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("KUBECONFIG", "")
			e.Vars = append(e.Vars, promptly)
			cluster := httptest.NewServer(held{e.WorkDir})
			e.Defer(cluster.Close)
			for name, url := range servers {
				e.Setenv(strings.ToUpper(name), url)
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(kubeconfig(url)), 0o600); err != nil {
					return err
				}
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "held"), []byte(kubeconfig(cluster.URL)), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "conforms": conforms, "replace": replace,
		},
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// exits is `exits CODE COMMAND...`.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err, code := ts.Exec(args[1], args[2:]...), 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("the exit code is %d", code)
	}
}

// TestReadme runs the transcript of the README: each line that begins with a dollar, in the folder that the one before left.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```console\n")
	transcript, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README has no ```console block")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	commands := strings.Split(transcript, "$ ")[1:]
	if len(commands) < 3 {
		t.Fatalf("the transcript has %d commands", len(commands))
	}
	for _, c := range commands {
		command, want, _ := strings.Cut(c, "\n")
		if got := typed(t, strings.Fields(command)); got != want {
			t.Errorf("$ %s\nprints\n%s\nand the README says\n%s", command, got, want)
		}
	}
}

// typed runs a line of the transcript: cd, or trefoil.
func typed(t *testing.T, words []string) string {
	t.Helper()
	if words[0] == "cd" {
		t.Chdir(words[1])
		return ""
	}
	var out strings.Builder
	a := &app{out: &out, err: &out, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	a.run(context.Background(), words[1:])
	return out.String()
}

// TestI6StandardLogger: what servers send beyond their replies is in no log.
func TestI6StandardLogger(t *testing.T) {
	typed(t, []string{"trefoil", "version"})
	if log.Writer() != io.Discard {
		t.Error("the standard logger, which net/http uses, is not silent")
	}
}

// TestConfigurationPage decodes the example of docs/configuration.md as strictly as the command does.
func TestConfigurationPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !closed {
		t.Fatal("the page has no ```yaml block")
	}
	file := filepath.Join(t.TempDir(), "trefoil.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{flags: flags{config: file}, env: func(string) (string, bool) { return "", false }}
	c := config{}
	if err := a.readFile(&c); err != nil {
		t.Fatal(err)
	}
	want := defaults()
	if c.Fuses != want.Fuses || c.Poll != want.Poll || c.Workflows != want.Workflows || c.Polyaxon.Project != want.Polyaxon.Project {
		t.Errorf("the page shows other defaults than the command has: %+v", c)
	}
}

// TestWebhookManifests: docs/git.md shows the manifests that deploy/webhook has.
func TestWebhookManifests(t *testing.T) {
	page, err := os.ReadFile("../../docs/git.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../../deploy/webhook/ingress.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "\n```yaml\n"+string(file)+"```\n") {
		t.Error("the page does not show deploy/webhook/ingress.yaml as it is")
	}
}
