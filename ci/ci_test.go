package ci

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const marker = "<!-- trefoil-plan -->"

// Changes of the example.
var (
	retrains = []string{`"0.5:0.6"`, `"0.5:0.7"`}
	misspelt = []string{`metric: "accuracy"`, `metirc: "accuracy"`}
	nothing  = []string{`#gate: {accuracy: >=0.9}`, `#gate: {accuracy: >=0.9} // as agreed`}
)

var forges = []string{"github", "gitlab"}

// TestComment: whatever stands on the page already, there is one comment of ours, and nobody else's changes.
func TestComment(t *testing.T) {
	t.Parallel()
	other := comment{ID: 1, User: theirs, Body: "Looks good."}
	for name, c := range map[string]struct {
		before []comment
		at     int // where ours is then
	}{
		"the first":       {nil, 0},
		"after others":    {[]comment{other, {ID: 2, User: theirs}}, 2},
		"again":           {[]comment{{ID: 7, User: ours, Body: marker + "\nold"}}, 0},
		"on page 2":       {[]comment{other, other, other, {ID: 7, User: ours, Body: marker + "\nold"}}, 3},
		"marker of other": {[]comment{{ID: 7, User: theirs, Body: marker + "\nnot ours"}}, 1},
		"marker quoted":   {[]comment{{ID: 7, User: ours, Body: "It begins with " + marker}}, 1},
	} {
		for _, at := range forges {
			t.Run(at+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newForge(t, append([]comment{}, c.before...)...)
				j := job{forge: at, repo: repository(t, retrains[0], retrains[1])}
				for range 2 {
					if o := j.run(t, f); o.code != 0 {
						t.Fatalf("exit code %d:\n%s", o.code, o.log)
					}
				}
				if want := max(len(c.before), c.at+1); len(f.written()) != want {
					t.Fatalf("there are %d comments, want %d: %+v", len(f.written()), want, f.written())
				}
				for i, got := range f.written() {
					if i != c.at && got != c.before[i] {
						t.Errorf("comment %d is now %+v", i, got)
					}
				}
				if got := f.written()[c.at]; got.User != ours || !strings.HasPrefix(got.Body, marker+"\n### Trefoil: 1 to search (10 experiments)\n") {
					t.Errorf("our comment is %+v", got)
				}
			})
		}
	}
}

// TestRefused: how the job ends and what it says where the comment can't be written. What it found is in the log.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuse map[string]int
		html   bool
		change []string
		code   int
		says   string
	}{
		"fork":              {refuse: map[string]int{"POST": 403, "PATCH": 403}, change: retrains, says: "this token may not comment"},
		"fork that may ask": {refuse: map[string]int{"GET": 403}, change: retrains, says: "this token may not comment"},
		"broken fork":       {refuse: map[string]int{"POST": 403}, change: misspelt, code: 3, says: "this token may not comment"},
		"server":            {refuse: map[string]int{"POST": 500}, change: retrains, code: 1, says: " answered 500 to POST http"},
		"what it said":      {refuse: map[string]int{"POST": 500}, change: retrains, code: 1, says: ": nottoday\n"},
		"broken and server": {refuse: map[string]int{"GET": 502}, change: misspelt, code: 3, says: " answered 502 to GET http"},
		"no API":            {html: true, change: retrains, code: 1, says: "the plan could not be written as a comment"},
	} {
		for _, at := range forges {
			t.Run(at+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newForge(t)
				f.refuse, f.html = c.refuse, c.html
				o := job{forge: at, repo: repository(t, c.change[0], c.change[1])}.run(t, f)
				if o.code != c.code || !strings.Contains(o.log, c.says) || !strings.Contains(o.log, "| Plan: 1 ") {
					t.Errorf("exit code %d, want %d and %q:\n%s", o.code, c.code, c.says, o.log)
				}
				if len(f.written()) > 0 {
					t.Errorf("%+v was written", f.written())
				}
			})
		}
	}
}

// TestVerdict: the job ends as the plan does, and the comment says so all the same.
func TestVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change []string
		env    []string
		commit string // one more, with this message
		code   int
		says   string
	}{
		"invalid":      {change: misspelt, code: 3, says: "did you mean"},
		"nothing":      {change: nothing, says: "no change in meaning"},
		"not approved": {change: retrains, env: []string{"PLAN_FAIL_ON=search,delete"}, code: 1, says: "needs a word in git"},
		"too many":     {change: retrains, env: []string{"PLAN_MAX_EXPERIMENTS=9"}, code: 1, says: "10 experiments, more than 9"},
		"approved": {
			change: retrains, env: []string{"PLAN_FAIL_ON=search,delete"},
			commit: "mnist: as agreed\n\nTrefoil-Approve: search", says: "1 to search",
		},
		"no such base": {change: retrains, env: []string{"PLAN_BASE=nope"}, code: 1, says: "### Trefoil: no plan\n\n    trefoil: --base: "},
		"no such word": {
			change: retrains, env: []string{"PLAN_FAIL_ON=</pre>"}, code: 1, says: "### Trefoil: no plan\n\n    trefoil: --fail-on </pre>",
		},
		"base as option": {change: retrains, env: []string{"PLAN_BASE=--help"}, code: 1, says: "### Trefoil: no plan"},
	} {
		for _, at := range forges {
			t.Run(at+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newForge(t)
				j := job{forge: at, repo: repository(t, c.change[0], c.change[1]), env: c.env}
				if c.commit != "" {
					git(t, j.repo, "commit", "-q", "--allow-empty", "-m", c.commit)
				}
				o := j.run(t, f)
				if o.code != c.code || len(f.written()) != 1 || !strings.Contains(strings.ToLower(f.written()[0].Body), strings.ToLower(c.says)) {
					t.Errorf("exit code %d, want %d and %q:\n%s\n%+v", o.code, c.code, c.says, o.log, f.written())
				}
			})
		}
	}
}

// TestOutputs are those of a step at GitHub, whose values end with what nobody can know beforehand.
func TestOutputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change []string
		env    []string
		want   string
	}{
		"search":  {retrains, nil, "changed=true rerun=mnist experiments=10 summary=Plan: 1 to search (10 experiments)"},
		"invalid": {misspelt, nil, "changed=true rerun= experiments=0 summary=Plan: 1 invalid"},
		"nothing": {nothing, nil, "changed=false rerun= experiments=0 summary=Plan: no change in meaning, 1 unchanged"},
		"no plan": {retrains, []string{"PLAN_BASE=nope"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t)
			o := job{forge: "github", repo: repository(t, c.change[0], c.change[1]), env: c.env}.run(t, f)
			var got, ends []string
			for _, m := range regexp.MustCompile(`(?m)^(\w+)<<(\w{32})\n(.*)\n(\w{32})$`).FindAllStringSubmatch(o.outputs, -1) {
				if m[2] != m[4] {
					t.Errorf("%s ends with %s", m[0], m[4])
				}
				ends = append(ends, m[2])
				if m[1] != "sarif" {
					got = append(got, m[1]+"="+m[3])
				} else if !strings.Contains(read(m[3]), `"2.1.0"`) {
					t.Errorf("%s is no SARIF", m[3])
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("the outputs are %q, want %q", got, c.want)
			}
			if len(ends) > 1 && ends[0] == ends[1] {
				t.Error("two values end alike")
			}
			if wrote := f.written(); len(wrote) != 1 || wrote[0].Body == "" || o.summary != wrote[0].Body {
				t.Errorf("the summary is %q and the comment %+v", o.summary, f.written())
			}
		})
	}
}

// TestAnnotations: what validate says is for GitHub to read; what anything else says is not, whatever stands in it.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	o := job{
		forge: "github", repo: repository(t, misspelt[0], misspelt[1]), env: []string{"PLAN_FAIL_ON=\"x\n::warning::z\""},
	}.run(t, newForge(t))
	var commands []string
	for line := range strings.Lines(o.log) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			commands = append(commands, line)
		}
	}
	if len(commands) != 1 || !strings.HasPrefix(commands[0], "::error file=models.cue,line=25,col=3,title=TRF0101") {
		t.Errorf("the commands are %q in\n%s", commands, o.log)
	}
}

// TestQuiet: without a comment, or anything to comment on, no forge is asked.
func TestQuiet(t *testing.T) {
	t.Parallel()
	for name, j := range map[string]job{
		"github asked not to": {forge: "github", env: []string{"PLAN_COMMENT=false"}},
		"gitlab asked not to": {forge: "gitlab", env: []string{"PLAN_COMMENT=false"}},
		"gitlab no token":     {forge: "gitlab", env: []string{"PLAN_TOKEN="}},
		"gitlab push":         {forge: "gitlab", env: []string{"CI_MERGE_REQUEST_IID=", "CI_MERGE_REQUEST_DIFF_BASE_SHA="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t)
			j.repo = repository(t, retrains[0], retrains[1])
			if o := j.run(t, f); o.code != 0 || len(f.asked()) > 0 {
				t.Errorf("exit code %d, requests %q:\n%s", o.code, f.asked(), o.log)
			}
		})
	}
}

// TestEnvironment: neither the program nor curl is given the token.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, at := range forges {
		dir := t.TempDir()
		spy := "#!/bin/sh\nenv >>\"$SEEN\"\nexec " + built + " \"$@\"\n"
		if err := os.WriteFile(filepath.Join(dir, "trefoil"), []byte(spy), 0o700); err != nil {
			t.Fatal(err)
		}
		j := job{
			forge: at, repo: repository(t, nothing[0], nothing[1]),
			env: []string{"TREFOIL=" + filepath.Join(dir, "trefoil"), "SEEN=" + filepath.Join(dir, "seen")},
		}
		o := j.run(t, newForge(t))
		if seen := read(filepath.Join(dir, "seen")); o.code != 0 || !strings.Contains(seen, "PLAN_BASE=") || strings.Contains(seen, token) {
			t.Errorf("%s: exit code %d, the program saw\n%s", at, o.code, seen)
		}
		if left, err := filepath.Glob(filepath.Join(o.folder, "tmp.*")); err != nil || len(left) > 0 {
			t.Errorf("%s: %q stay behind", at, left)
		}
	}
}
