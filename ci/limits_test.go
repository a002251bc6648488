package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// saying is a program for $TREFOIL whose plans are this long as Markdown, and say this as JSON.
func saying(t *testing.T, length int, json string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "plan.md", marker+"\n"+strings.Repeat("x", length-len(marker)-2)+"\n")
	write(t, dir, "plan.json", json)
	name := filepath.Join(dir, "trefoil")
	script := fmt.Sprintf("#!/bin/sh\ncase $* in *markdown) cat %s/plan.md ;; *json) cat %s/plan.json ;; esac\n", dir, dir)
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

const noPlan = `{"models": [], "findings": [], "summary": {"text": "Plan: no change in meaning", "experiments": 0}}`

// TestLength: a comment as long as a plan may be arrives whole; of a longer one the forge says that it takes none.
func TestLength(t *testing.T) {
	t.Parallel()
	for length, code := range map[int]int{65_000: 0, most + 1: 1} {
		f := newForge(t)
		o := job{
			forge: "github", repo: repository(t, nothing[0], nothing[1]), env: []string{"TREFOIL=" + saying(t, length, noPlan)},
		}.run(t, f)
		switch {
		case o.code != code:
			t.Errorf("%d bytes: exit code %d:\n%s", length, o.code, o.log)
		case code == 0 && (len(f.comments) != 1 || len(f.comments[0].Body) != length):
			t.Errorf("of %d bytes this is left: %d comments", length, len(f.comments))
		case code != 0 && (len(f.comments) != 0 || !strings.Contains(o.log, " answered 422 to POST http")):
			t.Errorf("%d bytes: %d comments:\n%s", length, len(f.comments), o.log)
		}
	}
}

// TestNoPlanLength: why there is no plan fits a comment too, however long the reason is.
func TestNoPlanLength(t *testing.T) {
	t.Parallel()
	for _, at := range forges {
		f := newForge(t)
		j := job{forge: at, repo: repository(t, nothing[0], nothing[1]), env: []string{"PLAN_BASE=" + strings.Repeat("é", 40_000)}}
		if o := j.run(t, f); o.code != 1 || len(f.comments) != 1 || len(f.comments[0].Body) > 1000 {
			t.Errorf("%s: exit code %d, %d comments:\n%.500s", at, o.code, len(f.comments), o.log)
		}
	}
}

// TestChanged: what has no effect now moves no model.
func TestChanged(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{"later": "false", "update": "true", "hold": "true"} {
		plan := fmt.Sprintf(`{"models": [{"model": "m", "action": %q, "experiments": 0, "steps": []}], "findings": [], "summary": {}}`, action)
		o := job{
			forge: "github", repo: repository(t, nothing[0], nothing[1]), env: []string{"TREFOIL=" + saying(t, 100, plan)},
		}.run(t, newForge(t))
		if !strings.Contains(o.outputs, "\n"+want+"\n") || o.code != 0 {
			t.Errorf("%s: exit code %d, outputs %s", action, o.code, o.outputs)
		}
	}
}

// TestPullRequestTarget: there is a warning where a stranger's change may meet a token that can write.
func TestPullRequestTarget(t *testing.T) {
	t.Parallel()
	for event, warns := range map[string]bool{"pull_request_target": true, "pull_request": false} {
		o := job{
			forge: "github", repo: repository(t, nothing[0], nothing[1]),
			env: []string{"TREFOIL=" + saying(t, 100, noPlan), "GITHUB_EVENT_NAME=" + event},
		}.run(t, newForge(t))
		if strings.Contains("\n"+o.log, "\n::warning title=Trefoil::") != warns {
			t.Errorf("on %s it says\n%s", event, o.log)
		}
	}
}
