// Package ci has the scripts that say on a pull request what merging it does. Its tests run them as GitHub and GitLab would, against a
// forge of our own.
package ci

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/examples"
)

// built is the program, and loggingCurl a folder for PATH: its curl tells in $ARGUMENTS what it was given.
var built, loggingCurl string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	for _, program := range []string{"sh", "git", "curl", "jq", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			log.Printf("these tests need %s: %v", program, err)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "trefoil-ci")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	built, loggingCurl = filepath.Join(dir, "trefoil"), filepath.Join(dir, "bin")
	if out, err := exec.Command("go", "build", "-o", built, "../cmd/trefoil").CombinedOutput(); err != nil {
		log.Printf("go build: %v\n%s", err, out)
		return 1
	}
	curl, _ := exec.LookPath("curl")
	script := fmt.Sprintf("#!/bin/sh\n{ printf '%%s\\n' \"$@\" && env; } >>\"$ARGUMENTS\"\nexec %s \"$@\"\n", curl)
	if err := errors.Join(os.Mkdir(loggingCurl, 0o700), os.WriteFile(filepath.Join(loggingCurl, "curl"), []byte(script), 0o700)); err != nil {
		log.Print(err)
		return 1
	}
	return m.Run()
}

// job is one run of a script.
type job struct {
	forge string // github, gitlab
	repo  string
	env   []string // over what the forge would set
}

// outcome is what can be seen of it.
type outcome struct {
	code                          int
	log, outputs, summary, folder string
}

// run runs the job. Wherever it can be, it looks for the token, which may be nowhere.
func (j job) run(t *testing.T, f *forge) outcome {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, dir, "event.json", fmt.Sprintf(`{"pull_request": {"number": 5, "base": {"sha": %q}}}`, git(t, j.repo, "rev-parse", "main")))
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", j.line(t))
	cmd.Dir = j.repo
	cmd.Env = append([]string{
		"PATH=" + loggingCurl + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir,
		"ARGUMENTS=" + at("arguments"),
		"TREFOIL=" + built, "PLAN_TOKEN=" + token,
		"GITHUB_ACTION_PATH=" + root, "GITHUB_EVENT_PATH=" + at("event.json"), "GITHUB_BASE_REF=main",
		"GITHUB_OUTPUT=" + at("outputs"), "GITHUB_STEP_SUMMARY=" + at("summary"),
		"GITHUB_API_URL=" + f.URL, "GITHUB_GRAPHQL_URL=" + f.URL + "/graphql", "GITHUB_REPOSITORY=ml/models", "RUNNER_TEMP=" + dir,
		"CI_API_V4_URL=" + f.URL, "CI_PROJECT_ID=9", "CI_MERGE_REQUEST_IID=5", "CI_PROJECT_DIR=" + dir,
		"CI_MERGE_REQUEST_DIFF_BASE_SHA=" + git(t, j.repo, "rev-parse", "main"),
	}, j.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	o := outcome{}
	if err := cmd.Run(); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		o.code = failed.ExitCode()
	}
	o.log, o.outputs, o.summary, o.folder = out.String(), read(at("outputs")), read(at("summary")), dir
	if strings.Contains(o.log+read(at("arguments")), token) {
		t.Errorf("the token shows:\n%s\n%s", o.log, read(at("arguments")))
	}
	o.leaves(t)
	return o
}

// line is what the forge runs: the last line of the action, or of the template, which has its own clone of Trefoil.
func (j job) line(t *testing.T) string {
	t.Helper()
	if j.forge == "gitlab" {
		return `"$GITHUB_ACTION_PATH/ci/gitlab.sh"`
	}
	var a action
	parse(t, "action.yml", &a)
	for _, s := range a.Runs.Steps {
		if s.ID == "plan" {
			return s.Run
		}
	}
	t.Fatal("the action has no step that plans")
	return ""
}

// leaves looks for the token in what stays behind.
func (o outcome) leaves(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(o.folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(read(name), token) {
			t.Errorf("the token stays behind in %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// repository is a clone of the example, as a forge's checkout leaves it, with a commit that replaces old by new in its models.
func repository(t *testing.T, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := fs.Sub(examples.FS, "mnist")
	if err == nil {
		err = os.CopyFS(dir, files)
	}
	if err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "--initial-branch=main")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "models: the first ones")
	git(t, dir, "update-ref", "refs/remotes/origin/main", "main")
	git(t, dir, "checkout", "-q", "-b", "change")
	models := read(filepath.Join(dir, "models.cue"))
	if !strings.Contains(models, old) {
		t.Fatalf("the example has no %s", old)
	}
	write(t, dir, "models.cue", strings.Replace(models, old, new, 1))
	git(t, dir, "commit", "-q", "--allow-empty", "-a", "-m", "models: what is asked for")
	return dir
}

// git runs git as nobody in particular and returns what it prints.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=P", "-c", "user.email=p@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// read is the text of a file, "" where there is none.
func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
