package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// proposing is a world whose daemon leaves what it records in a branch, for people to merge.
type proposing struct {
	*world
	branch *memory.Proposals
}

func newProposing(t *testing.T, models string) *proposing {
	w := newWorld(t, models)
	return &proposing{w, &memory.Proposals{Of: w.source}}
}

// settle makes passes, each by a daemon that knows nothing, until one has nothing to do, and returns its plan.
func (p *proposing) settle() string {
	p.Helper()
	for range 10 {
		o := p.loop().Options
		o.Proposals = p.branch
		pass, err := reconcile.New(o).Once(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		if p.advance(); len(pass.Plan.Actions) == 0 {
			return pass.Plan.String()
		}
	}
	p.Fatal("no fixpoint after ten passes (I5)")
	return ""
}

func (p *proposing) served() int { return creates(p.cluster, render.SeldonDeployment) }

// TestProposals: release and image come to lie in the branch, in that order, and what people merge is served, and nothing before (I4).
func TestProposals(t *testing.T) {
	p := newProposing(t, models)
	if got := p.settle(); !strings.Contains(got, "mnist: hold: release 1 is proposed: merge it to serve it\nmnist/staging: hold: waits for the first release\n") {
		t.Errorf("the plan is\n%s", got)
	}
	if log := p.source.Log(); len(log) != 1 || p.source.File("selected/mnist.cue") != "" {
		t.Errorf("the branch that is followed has %q", log)
	}
	log := p.branch.Branch.Log()
	if len(log) != 2 || !strings.HasPrefix(log[0], "mnist: release 1, experiment ") || !strings.HasPrefix(log[1], "mnist: release 1 is ") {
		t.Errorf("the branch of proposals has %q", log)
	}
	if n := p.served(); n != 0 {
		t.Fatalf("I4: %d objects are served that nobody merged", n)
	}
	p.branch.Merge("selected/mnist.cue")
	if got := p.settle(); strings.Contains(got, "hold") || p.served() != 1 {
		t.Errorf("after the merge %d objects are served, the plan is\n%s", p.served(), got)
	}
	if n, m := creates(p.searches, render.Search), creates(p.cluster, render.Workflow); n != 1 || m != 1 || len(p.branch.Branch.Log()) != 2 {
		t.Errorf("I1, I2: %d searches, %d builds, commits %q", n, m, p.branch.Branch.Log())
	}
}

// TestProposalsWait: what was proposed stays while others are recorded, and while people change something else.
func TestProposalsWait(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	first := p.branch.Branch.File("selected/mnist.cue")
	p.source.Push("another model", map[string][]byte{"models.cue": []byte(models + "models: fraud: owner: \"risk@example.com\"\n")})
	p.settle()
	if got := p.branch.Branch.File("selected/mnist.cue"); got != first {
		t.Errorf("I2: the proposal was\n%s\nand is\n%s", first, got)
	}
	if got := p.branch.Branch.File("selected/fraud.cue"); !strings.Contains(got, "image:") || !strings.Contains(p.branch.Branch.File("models.cue"), "fraud") {
		t.Errorf("the branch is not built on the tip, or lacks fraud:\n%s", got)
	}
	p.branch.Merge("selected/fraud.cue") // one of two
	if got := p.settle(); p.served() != 1 || !strings.Contains(got, "mnist: hold: release 1 is proposed") {
		t.Errorf("%d objects are served, the plan is\n%s", p.served(), got)
	}
}

// TestProposalsPeopleWin: what people write into the branch that is followed goes before what is proposed, and the next release is built on it.
func TestProposalsPeopleWin(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	p.branch.Merge("selected/mnist.cue")
	p.settle()
	p.source.Push("train anew", map[string][]byte{"models.cue": []byte(strings.Replace(models, "seed: 7", "seed: 8", 1))})
	if got := p.settle(); !strings.Contains(got, "release 2 is proposed") {
		t.Errorf("the plan is\n%s", got)
	}
	people := strings.Replace(p.source.File("selected/mnist.cue"), "last: 1", "last: 5", 1)
	if people == p.source.File("selected/mnist.cue") {
		t.Fatal("nothing to edit in", people)
	}
	p.source.Push("numbers up to 5 are taken", map[string][]byte{"selected/mnist.cue": []byte(people)})
	if got := p.settle(); !strings.Contains(got, "release 6 is proposed: merge it to serve it") {
		t.Errorf("the plan is\n%s", got)
	}
	if got := p.branch.Branch.File("selected/mnist.cue"); strings.Contains(got, "\"2\": {") || !strings.Contains(got, "\"1\": {") {
		t.Errorf("proposed is\n%s", got)
	}
}

// TestProposalsGone: who deletes the branch throws away what was proposed. It is proposed again, of the same experiment.
func TestProposalsGone(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	first := p.branch.Branch.File("selected/mnist.cue")
	p.branch = &memory.Proposals{Of: p.source}
	p.settle()
	if again := p.branch.Branch.File("selected/mnist.cue"); again != first || creates(p.searches, render.Search) != 1 {
		t.Errorf("proposed again was\n%s\nfirst\n%s", again, first)
	}
}

// TestProposalsRace: somebody pushes to the branch of proposals between look and push: nothing of that is lost, the pass plans anew.
func TestProposalsRace(t *testing.T) {
	p := newProposing(t, models)
	o := p.loop().Options
	raced := &racedProposals{Proposals: p.branch}
	o.Proposals = raced
	loop := reconcile.New(o)
	for range 6 {
		if _, err := loop.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.advance()
	}
	log := strings.Join(p.branch.Branch.Log(), "\n")
	if raced.times != 2 || strings.Count(log, "mnist: release 1") != 2 {
		t.Errorf("%d races, the branch has\n%s", raced.times, log)
	}
}

// racedProposals lose the race for the first commit of each pass.
type racedProposals struct {
	*memory.Proposals
	times int
	last  plan.Revision
}

func (r *racedProposals) Propose(ctx context.Context, from, on plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if r.times < 2 && from == r.last {
		r.times++
		r.last = r.Branch.Push("a note", map[string][]byte{"note.txt": []byte(from)})
	}
	tip, err := r.Proposals.Propose(ctx, from, on, edit)
	if err == nil {
		r.last = tip
	}
	return tip, err
}

// TestProposalsBack: people take back what trained again. That the old release is the latest again is proposed once, and nothing is made
// anew.
func TestProposalsBack(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	p.branch.Merge("selected/mnist.cue")
	p.source.Push("train anew", map[string][]byte{"models.cue": []byte(strings.Replace(models, "seed: 7", "seed: 8", 1))})
	p.settle()
	p.branch.Merge("selected/mnist.cue")
	p.settle()
	p.source.Push("back", map[string][]byte{"models.cue": []byte(models)})
	if got := p.settle(); !strings.Contains(got, "mnist: hold: release 1 is proposed as the latest: merge it to serve it") {
		t.Errorf("the plan is\n%s", got)
	}
	before := len(p.branch.Branch.Log())
	p.settle()
	if log := p.branch.Branch.Log(); len(log) != before || log[before-1] != "mnist: latest is release 1" {
		t.Errorf("the branch has %q", log)
	}
	p.branch.Merge("selected/mnist.cue")
	if got := p.settle(); strings.Contains(got, "hold") {
		t.Errorf("after the merge the plan is\n%s", got)
	}
}

// TestProposalsBroken: what is proposed of a model that people broke waits with it, whatever is proposed of others (I10, I2).
func TestProposalsBroken(t *testing.T) {
	p := newProposing(t, twoModels)
	p.settle()
	first := p.branch.Branch.File("selected/mnist.cue")
	broken := twoModels + "models: mnist: train: nothing: 3\nmodels: third: owner: \"ml@example.com\"\n"
	p.source.Push("broken", map[string][]byte{"models.cue": []byte(broken)})
	p.settle()
	if got := p.branch.Branch.File("selected/mnist.cue"); got != first {
		t.Errorf("the proposal was\n%s\nand is\n%s", first, got)
	}
	if got := p.branch.Branch.File("selected/third.cue"); !strings.Contains(got, "image:") {
		t.Errorf("third is proposed as\n%s", got)
	}
}

// TestProposalsKeepWords: what people write into a file that something is proposed for is in the proposal, and numbers that they gave are
// not given again.
func TestProposalsKeepWords(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	p.branch.Merge("selected/mnist.cue")
	p.settle()
	p.source.Push("another model, and a note", map[string][]byte{
		"models.cue":         []byte(strings.Replace(models, "seed: 7", "seed: 8", 1)),
		"selected/mnist.cue": []byte(strings.Replace(p.source.File("selected/mnist.cue"), "package models", "package models\n\n// Ada looked at it.", 1)),
	})
	p.settle()
	if got := p.branch.Branch.File("selected/mnist.cue"); !strings.Contains(got, "// Ada looked at it.") || !strings.Contains(got, "\"2\": {") {
		t.Errorf("proposed is\n%s", got)
	}
	text := strings.Replace(p.source.File("selected/mnist.cue"), "// Ada looked at it.", "// Ada looked at it twice.", 1)
	p.source.Push("a note, and another model", map[string][]byte{
		"selected/mnist.cue": []byte(text), "models.cue": []byte(strings.Replace(models, "seed: 7", "seed: 8", 1) + "models: fraud: owner: \"ml@example.com\"\n"),
	})
	p.settle()
	if got := p.branch.Branch.File("selected/mnist.cue"); !strings.Contains(got, "// Ada looked at it twice.") || !strings.Contains(got, "\"2\": {") {
		t.Errorf("proposed is\n%s", got)
	}
}

// TestProposalsUnreadable: a branch of proposals that can't be read stops nothing but proposals (I10).
func TestProposalsUnreadable(t *testing.T) {
	p := newProposing(t, models)
	p.settle()
	p.branch.Merge("selected/mnist.cue")
	p.branch.Branch.Trust = func(plan.Revision) error { return errors.New("too large") }
	o := p.loop().Options
	o.Proposals = p.branch
	loop := reconcile.New(o)
	p.source.Push("train anew", map[string][]byte{"models.cue": []byte(strings.Replace(models, "seed: 7", "seed: 8", 1))})
	said := ""
	for range 6 {
		pass, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said += fmt.Sprint(pass.Failed)
		p.advance()
	}
	if p.served() != 1 || !strings.Contains(said, "the branch of proposals at ") || !strings.Contains(said, "too large") {
		t.Errorf("%d objects are served; failed: %s", p.served(), said)
	}
	before := p.branch.Branch.Log()
	p.branch.Branch.Trust = nil
	for range 6 {
		if _, err := loop.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.advance()
	}
	if log := p.branch.Branch.Log(); len(log) != len(before)+2 {
		t.Errorf("the branch had %q, and has %q", before, log)
	}
}
