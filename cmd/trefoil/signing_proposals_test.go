package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// proposedModels train, package and serve.
const proposedModels = `package models

models: mnist: {
	train: {
		image: "python:3.12"
		command: ["python", "run.py", "--lr={{ lr }}"]
		search: {random: {experiments: 1, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {image: "registry.example/mnist", source: path: "serve"}
	serve: staging: namespace: "ml-staging"
}
`

// proposer is a daemon whose main is for people, whose commits are signed, and who reads only what is.
type proposer struct {
	follower
	loop              *reconcile.Loop
	searches, cluster *memory.Engine
	log               *bytes.Buffer
}

func newProposer(t *testing.T) *proposer {
	p := &proposer{newFollower(t), nil, memory.NewEngine(wallClock), memory.NewEngine(wallClock), new(bytes.Buffer)}
	p.trust("ed25519", "rsa") // the daemon's and Ada's
	p.config.Repository.CommitTo = "trefoil"
	p.git("-C", "repo", "checkout", "-q", "--detach") // so that both branches can be pushed to
	p.change("main", "serve/Model.py", "# serves\n")
	p.change("main", "models.cue", proposedModels)
	p.vouch("rsa")
	a := &app{evaluate: schema.Evaluate}
	p.loop = a.loop(p.config, p.open(), p.searches, p.cluster, slog.New(slog.NewTextHandler(p.log, nil)))
	return p
}

// change commits a file to a branch as a person does, unsigned.
func (p *proposer) change(branch, name, text string) {
	p.Helper()
	p.git("-C", "repo", "checkout", "-q", "-f", "--detach", branch)
	if err := os.MkdirAll(filepath.Dir(filepath.Join(p.dir, "repo", name)), 0o700); err != nil {
		p.Fatal(err)
	}
	p.put("repo/"+name, text)
	p.git("-C", "repo", "add", ".")
	p.git("-C", "repo", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-qm", name)
	p.git("-C", "repo", "update-ref", "refs/heads/"+branch, "HEAD")
}

// passes are as many as it takes until one has nothing to do; it returns that one.
func (p *proposer) passes() reconcile.Pass {
	p.Helper()
	for range 10 {
		pass, err := p.loop.Once(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		p.searches.Change(render.Search, ends)
		p.cluster.Change(render.Workflow, func(o *plan.Observed) {
			if o.Phase == plan.Running {
				o.Phase, o.Ended, o.Image = plan.Succeeded, wallClock(), "registry.example/mnist@sha256:"+strings.Repeat("a", 64)
			}
		})
		p.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Phase = plan.Succeeded })
		if len(pass.Plan.Actions) == 0 {
			return pass
		}
	}
	p.Fatalf("I5: no fixpoint after ten passes\n%s", p.log)
	return reconcile.Pass{}
}

// made are how many objects of a kind were ever made.
func made(e *memory.Engine, kind render.Kind) int {
	n := 0
	for _, what := range e.Writes {
		if strings.HasPrefix(what, "create "+string(kind)+" ") {
			n++
		}
	}
	return n
}

// stands wants that so many searches, builds and objects that serve were made, and none deleted.
func (p *proposer) stands(when string, searches, builds, served int) {
	p.Helper()
	got := fmt.Sprint(made(p.searches, render.Search), made(p.cluster, render.Workflow), made(p.cluster, render.SeldonDeployment))
	if want := fmt.Sprint(searches, builds, served); got != want {
		p.Errorf("%s: searches, builds, objects that serve are %s, want %s\n%s", when, got, want, p.log)
	}
	writes := strings.Join(append(slices.Clone(p.searches.Writes), p.cluster.Writes...), "\n")
	if strings.Contains(writes, "remove ") {
		p.Errorf("I4: %s: something was deleted:\n%s", when, writes)
	}
}

// signedTip wants the tip of a branch to be the daemon's, and signed, and returns it.
func (p *proposer) signedTip(branch string) string {
	p.Helper()
	tip := p.git("-C", "repo", "cat-file", "commit", branch)
	if err := p.config.Repository.Trust.verify([]byte(tip + "\n")); err != nil || !strings.Contains(tip, "author Trefoil ") {
		p.Errorf("the tip of %s is not trusted: %v\n%s", branch, err, tip)
	}
	return p.git("-C", "repo", "rev-parse", branch)
}

// TestTrustedProposals: all that is proposed is signed; what somebody else pushes to the branch of proposals is not built, and undone; what
// is merged is served once it is trusted, and until then the last good revision stays (I1, I2, I4).
func TestTrustedProposals(t *testing.T) {
	p := newProposer(t)
	main := p.git("-C", "repo", "rev-parse", "main")
	p.passes()
	p.stands("proposed", 1, 1, 0)
	for _, commit := range strings.Fields(p.git("-C", "repo", "rev-list", "main..trefoil")) {
		p.signedTip(commit)
	}
	release := p.git("-C", "repo", "show", "trefoil:selected/mnist.cue")
	if !strings.Contains(release, "@sha256:") || p.git("-C", "repo", "rev-parse", "main") != main {
		t.Fatalf("main has moved, or there is no image in\n%s", release)
	}

	evil := strings.ReplaceAll(release, strings.Repeat("a", 64), strings.Repeat("e", 64))
	p.change("trefoil", "selected/mnist.cue", evil) // another image
	eves := p.git("-C", "repo", "rev-parse", "trefoil")
	p.passes()
	p.stands("after Eve's commit on the branch of proposals", 1, 1, 0)
	p.signedTip("trefoil")
	if again := p.git("-C", "repo", "show", "trefoil:selected/mnist.cue"); again != release {
		t.Errorf("I2: proposed was\n%s\nand is\n%s", release, again)
	}
	for _, told := range []string{"what is proposed does not count", eves[:7] + " of Eve <eve@example.com> is not trusted"} {
		if !strings.Contains(p.log.String(), told) {
			t.Errorf("the log has no %q:\n%s", told, p.log)
		}
	}
	p.merged(release)
}

// merged goes on with main: a merge that nobody vouches for is held, the one that Ada does is served, and what Eve pushes then changes
// nothing.
func (p *proposer) merged(release string) {
	p.change("main", "selected/mnist.cue", release)
	if pass := p.passes(); pass.Untrusted == nil {
		p.Error("I4: a merge that nobody has signed counts")
	}
	p.stands("after a merge that nobody has signed", 1, 1, 0)
	p.vouch("rsa")
	good := p.passes()
	p.stands("once Ada has signed it", 1, 1, 1)

	p.change("main", "models.cue", "package models\n\nmodels: {}\n")
	held := p.passes()
	if held.Untrusted == nil || held.Revision != good.Revision {
		p.Errorf("I4: it plans on %s, the last good one is %s; untrusted: %v", held.Revision.Short(), good.Revision.Short(), held.Untrusted)
	}
	p.stands("while Eve's tip is held", 1, 1, 1)
	serves := render.Ref{Kind: render.SeldonDeployment, Namespace: "ml-staging", Name: "mnist"}
	if live, err := p.cluster.Observe(p.Context()); err != nil || len(live.Objects[serves]) != 1 {
		p.Errorf("I4: it is not served any more: %v", err)
	}
}
