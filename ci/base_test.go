package ci

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPush: at GitHub a push is no pull request, so only what is wrong is said.
func TestPush(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	dir := t.TempDir()
	write(t, dir, "push.json", `{"after": "x"}`)
	o := job{
		forge: "github", repo: repository(t, misspelt[0], misspelt[1]),
		env: []string{"GITHUB_EVENT_PATH=" + filepath.Join(dir, "push.json")},
	}.run(t, f)
	said := strings.Contains(o.log, "::error file=models.cue") && strings.Contains(o.log, "nothing is planned")
	if o.code != 1 || len(f.asked()) > 0 || !said {
		t.Errorf("exit code %d, requests %q:\n%s", o.code, f.asked(), o.log)
	}
}

// TestMerged: what the base got since the pull request was made is not the pull request's, though GitHub tests the two merged.
func TestMerged(t *testing.T) {
	t.Parallel()
	dir := repository(t, nothing[0], nothing[1])
	git(t, dir, "checkout", "-q", "main")
	write(t, dir, "models.cue", strings.Replace(read(filepath.Join(dir, "models.cue")), retrains[0], retrains[1], 1))
	git(t, dir, "commit", "-q", "-a", "-m", "mnist: another range")
	git(t, dir, "update-ref", "refs/remotes/origin/main", "main")
	git(t, dir, "checkout", "-q", "--detach", "origin/main")
	git(t, dir, "branch", "-f", "main", "main~") // the event knows the older one
	git(t, dir, "merge", "-q", "-m", "Merge", "change")
	f := newForge(t)
	o := job{forge: "github", repo: dir}.run(t, f)
	if o.code != 0 || !strings.Contains(o.outputs, "no change in meaning") {
		t.Errorf("exit code %d:\n%s", o.code, o.log)
	}
}

// TestShallow: a clone without the base can't be planned, and what is to be done about that is said.
func TestShallow(t *testing.T) {
	t.Parallel()
	whole := repository(t, retrains[0], retrains[1])
	dir := filepath.Join(t.TempDir(), "shallow")
	git(t, whole, "clone", "-q", "--depth=1", "--branch=change", "--single-branch", "file://"+whole, dir)
	sha := git(t, whole, "rev-parse", "main")
	git(t, dir, "branch", "main") // the job needs one of that name
	f := newForge(t)
	o := job{forge: "gitlab", repo: dir, env: []string{"CI_MERGE_REQUEST_DIFF_BASE_SHA=" + sha}}.run(t, f)
	if o.code != 1 || len(f.written()) != 1 || !strings.Contains(f.written()[0].Body, "fetch-depth") {
		t.Errorf("exit code %d, comments %+v:\n%s", o.code, f.written(), o.log)
	}
}
