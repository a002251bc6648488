package ci

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// step is one of a workflow or an action.
type step struct {
	ID, Uses, Run, Shell string
	Env                  map[string]string
}

type action struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct{ Steps []step }
}

func parse(t *testing.T, name string, into any) string {
	t.Helper()
	text := read(filepath.Join("..", name))
	if err := yaml.Unmarshal([]byte(text), into); err != nil || text == "" {
		t.Fatalf("%s: %v", name, err)
	}
	return text
}

// steps are those of the action and of what `trefoil init` writes.
func steps(t *testing.T) (all []step, text string) {
	t.Helper()
	var a action
	var w workflow
	text = parse(t, "action.yml", &a) + parse(t, "cmd/trefoil/ci/github.yaml", &w)
	all = a.Runs.Steps
	for _, j := range w.Jobs {
		all = append(all, j.Steps...)
	}
	return all, text
}

// TestPinned: what is fetched from others is a commit, and says which version that is.
func TestPinned(t *testing.T) {
	t.Parallel()
	all, text := steps(t)
	uses := 0
	for _, s := range all {
		if s.Uses != "" {
			uses++
		}
	}
	pinned := regexp.MustCompile(`(?m)^ +(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).FindAllString(text, -1)
	if uses == 0 || len(pinned) != uses {
		t.Errorf("%d uses, pinned are %q", uses, pinned)
	}
}

// TestNothingInterpolated: what stands between ${{ and }} becomes text of a script before any shell quotes it.
func TestNothingInterpolated(t *testing.T) {
	t.Parallel()
	all, _ := steps(t)
	runs := 0
	for _, s := range all {
		if s.Run != "" {
			runs++
		}
		if strings.Contains(s.Run, "${{") {
			t.Errorf("a script is put together of values: %s", s.Run)
		}
	}
	if runs < 3 {
		t.Errorf("only %d scripts were looked at", runs)
	}
}

// TestAction: the action passes on exactly what it is given, and its outputs are those of the script.
func TestAction(t *testing.T) {
	t.Parallel()
	var a action
	text := parse(t, "action.yml", &a)
	script := read("github.sh")
	for name, in := range a.Inputs {
		if in.Description == "" || !strings.Contains(text, "inputs."+name+" ") {
			t.Errorf("input %s says %q, and whether anything uses it is another question", name, in.Description)
		}
	}
	for name, out := range a.Outputs {
		if out.Value != "${{ steps.plan.outputs."+name+" }}" || !strings.Contains(script, "output "+name+" ") {
			t.Errorf("output %s is %s, which no script writes", name, out.Value)
		}
	}
	for _, s := range a.Runs.Steps {
		if s.Run != "" && s.Shell != "sh" {
			t.Errorf("a composite action has to name the shell of %q", s.Run)
		}
		for variable := range s.Env {
			if !strings.Contains(script+read("plan.sh"), "{"+variable+":-") {
				t.Errorf("no script reads %s", variable)
			}
		}
	}
	if a.Runs.Using != "composite" || len(a.Inputs) != 8 || len(a.Outputs) != 5 {
		t.Errorf("the action is %+v", a)
	}
}

// TestPermissions: the workflow that `trefoil init` writes asks for no more than it needs.
func TestPermissions(t *testing.T) {
	t.Parallel()
	var w workflow
	parse(t, "cmd/trefoil/ci/github.yaml", &w)
	if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
		t.Errorf("it asks for %v", w.Permissions)
	}
}

// TestInitJobs runs what is in the jobs that `trefoil init` writes, but for the installation.
func TestInitJobs(t *testing.T) {
	t.Parallel()
	var w workflow
	parse(t, "cmd/trefoil/ci/github.yaml", &w)
	var jobs map[string]struct{ Script []string }
	parse(t, "cmd/trefoil/ci/gitlab.yaml", &jobs)
	lines := map[string][]string{"gitlab": jobs["trefoil"].Script}
	for _, s := range w.Jobs["trefoil"].Steps {
		if s.Run != "" {
			lines["github"] = append(lines["github"], s.Run)
		}
	}
	dir := released(t)
	git(t, dir, "update-ref", "refs/remotes/origin/main", "main")
	set := "RUNNER_TEMP=" + filepath.Dir(built) + " GITHUB_BASE_REF=main GITHUB_STEP_SUMMARY=/dev/stdout CI_MERGE_REQUEST_DIFF_BASE_SHA=main; "
	for at, all := range lines {
		if len(all) != 3 {
			t.Fatalf("the job of %s runs %q", at, all)
		}
		if got := shell(t, dir, set+all[1]); got != "2 models, 0 errors\n" {
			t.Errorf("$ %s\nprints\n%s", all[1], got)
		}
		if got := shell(t, dir, set+all[2]); !strings.Contains(got, ": 1 to rerun (10 experiments), 1 to promote\n") {
			t.Errorf("$ %s\nprints\n%s", all[2], got)
		}
	}
}

// TestTemplates: the others are YAML, and name what is there.
func TestTemplates(t *testing.T) {
	t.Parallel()
	var hooks []struct {
		ID, Name, Entry, Language, Files string
		Filenames                        *bool `json:"pass_filenames"`
	}
	parse(t, ".pre-commit-hooks.yaml", &hooks)
	if len(hooks) != 1 || hooks[0].ID != "trefoil-validate" || hooks[0].Filenames == nil || *hooks[0].Filenames {
		t.Errorf("the hooks are %+v", hooks)
	} else if !regexp.MustCompile(hooks[0].Files).MatchString("a/models.cue") || hooks[0].Language != "golang" {
		t.Errorf("the hook is %+v", hooks[0])
	}
	var jobs map[string]struct {
		Script    []string
		Variables map[string]string
	}
	for name, job := range map[string]string{"ci/gitlab.yml": "trefoil", "cmd/trefoil/ci/gitlab.yaml": "trefoil"} {
		jobs = nil
		parse(t, name, &jobs)
		if j := jobs[job]; len(j.Script) == 0 || j.Variables["GIT_DEPTH"] != "0" {
			t.Errorf("%s has the jobs %+v", name, jobs)
		}
	}
}

// TestScripts: each is POSIX sh that stops at the first error, may be run, and is understood.
func TestScripts(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.sh")
	if err != nil || !slices.Equal(names, []string{"comment.sh", "github.sh", "gitlab.sh", "plan.sh"}) {
		t.Fatalf("the scripts are %q, %v", names, err)
	}
	for _, name := range names {
		if out, err := exec.Command("sh", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if text := read(name); name != "comment.sh" && (!strings.HasPrefix(text, "#!/bin/sh\n") || !strings.Contains(text, "\nset -eu\n")) {
			t.Errorf("%s does not begin as a script that stops at the first error", name)
		}
	}
}
