package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

const twoModels = models + "models: other: owner: \"x@example.com\"\n"

// TestFetchHangs has the artifact of one model never arrive: the other one is served all the same, and the fetch is begun again
// only after it was given up (I7, I10).
func TestFetchHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, twoModels)
		w.now, w.searches, w.cluster = time.Now(), memory.NewEngine(time.Now), memory.NewEngine(time.Now)
		o := w.loop().Options
		o.Now = time.Now
		searches := &hanging{Engine: w.searches, model: "mnist"}
		o.Searches = searches
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		var days sync.WaitGroup
		days.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(time.Minute)
				w.advance()
			}
		})
		reconcile.New(o).Run(ctx)
		days.Wait()
		if !slices.ContainsFunc(w.source.Log(), func(s string) bool { return strings.HasPrefix(s, "other: release 1 is") }) {
			t.Errorf("the commits are %q", w.source.Log())
		}
		if n := searches.begun.Load(); n != 2 {
			t.Errorf("%d fetches were begun in 20 minutes, of which each may take 15", n)
		}
	})
}

// hanging never ends to fetch the artifacts of one model.
type hanging struct {
	*memory.Engine
	model string
	begun atomic.Int32
}

func (h *hanging) Fetch(ctx context.Context, experiment, path string) error {
	live, err := h.Observe(ctx)
	if err != nil {
		return err
	}
	for _, objects := range live.Objects {
		for _, o := range objects {
			if o.Model == h.model && slices.ContainsFunc(o.Experiments, func(e plan.Experiment) bool { return e.UID == experiment }) {
				h.begun.Add(1)
				<-ctx.Done()
				return context.Cause(ctx)
			}
		}
	}
	return h.Engine.Fetch(ctx, experiment, path)
}

// TestPushRefused has the server refuse every push: the engines' part of the plan is carried out, and the hold says why.
func TestPushRefused(t *testing.T) {
	w := newWorld(t, models)
	w.pass()
	w.pass() // fetches the sha256
	w.source.Push("another model", map[string][]byte{"models.cue": []byte(twoModels)})
	o := w.loop().Options
	o.Source = protected{w.source}
	p, err := reconcile.New(o).Once(t.Context())
	if err != nil || len(p.Failed) != 1 || p.Failed[0].Model != "mnist" || !strings.Contains(p.Failed[0].Reason, "protected branch") {
		t.Errorf("failed: %v, error %v", p.Failed, err)
	}
	if n := creates(w.searches, "Search"); n != 2 {
		t.Errorf("%d searches, not also that of the other model", n)
	}
}

// protected is a branch that we may not push to.
type protected struct{ *memory.Source }

func (protected) Commit(context.Context, plan.Revision, reconcile.Edit) (plan.Revision, error) {
	return "", errors.New("protected branch hook declined")
}

// TestPokesDoNotShortenBackOff storms a loop with pokes whose source can't be reached (I7).
func TestPokesDoNotShortenBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, models)
		w.source = &memory.Source{} // has no branch
		loop := w.loop()
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		var storm sync.WaitGroup
		storm.Go(func() {
			for ctx.Err() == nil {
				loop.Poke()
				time.Sleep(100 * time.Millisecond)
			}
		})
		loop.Run(ctx)
		storm.Wait()
		if n := w.source.Listings; n < 15 || n > 20 {
			t.Errorf("%d listings in ten minutes without a branch", n)
		}
	})
}

// TestQueueForgets has ten searches to start, of which eight may be under way at a time, and people take all models away while
// the others wait: those are never started (I5).
func TestQueueForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec := models
		for i := range 9 {
			spec += fmt.Sprintf("models: m%d: {}\n", i)
		}
		w := newWorld(t, spec)
		w.now, w.searches, w.cluster = time.Now(), memory.NewEngine(time.Now), memory.NewEngine(time.Now)
		o := w.loop().Options
		o.Now = time.Now
		searches := &slowCreates{Engine: w.searches}
		o.Searches = searches
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		var people sync.WaitGroup
		people.Go(func() {
			time.Sleep(time.Second)
			w.source.Push("none", map[string][]byte{"models.cue": []byte("package models\n\nmodels: {}\n")})
		})
		reconcile.New(o).Run(ctx)
		people.Wait()
		if n := searches.begun.Load(); n != 8 {
			t.Errorf("%d creates were begun, not only the eight that had a slot", n)
		}
	})
}

// slowCreates need 25 seconds each.
type slowCreates struct {
	*memory.Engine
	begun atomic.Int32
}

func (s *slowCreates) Apply(ctx context.Context, object render.Object, seen string) error {
	s.begun.Add(1)
	select {
	case <-time.After(25 * time.Second):
		return s.Engine.Apply(ctx, object, seen)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestRefusedCreate has Polyaxon refuse the search of one model for good: its claim says so, its
// experiments take nothing of the hour from the other (I10).
func TestRefusedCreate(t *testing.T) {
	w := newWorld(t, twoModels)
	w.limits.ExperimentsPerHour = 3
	o := w.loop().Options
	searches := &refusing{Engine: w.searches, model: "mnist"}
	o.Searches = searches
	loop := reconcile.New(o)
	for range 12 { // of which each is a minute
		if _, err := loop.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.advance()
	}
	if !slices.ContainsFunc(w.source.Log(), func(s string) bool { return strings.HasPrefix(s, "other: release 1 is") }) {
		t.Errorf("the commits are %q", w.source.Log())
	}
	if searches.refused != 1 {
		t.Errorf("the search was sent %d times in an hour of three experiments, which the other one has had", searches.refused)
	}
	p, err := loop.Plan(t.Context())
	if err != nil || !strings.Contains(p.Plan.String()+fmt.Sprint(p.Live), "nothing was created: bad image") {
		t.Errorf("%v\n%s", err, p.Plan)
	}
}

// refusing makes no search of one model.
type refusing struct {
	*memory.Engine
	model   string
	refused int
}

func (r *refusing) Apply(ctx context.Context, object render.Object, seen string) error {
	if object.Model == r.model {
		r.refused++
		return fmt.Errorf("%w: bad image", reconcile.ErrRefused)
	}
	return r.Engine.Apply(ctx, object, seen)
}

// TestBranchNeverRests: somebody pushes before each commit. What is recorded waits and that is told; what is served does not (I10).
func TestBranchNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, twoModels)
		w.converge()
		o := w.loop().Options
		busy := &busySource{Source: w.source}
		o.Source = busy
		loop := reconcile.New(o)
		w.source.Push("train one anew", map[string][]byte{"models.cue": []byte(strings.Replace(twoModels, "seed: 7", "seed: 8", 1))})
		for range 2 { // then there is something to record
			if _, err := loop.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.advance()
		}
		w.cluster.Delete(func(o plan.Observed) bool { return o.Ref.Kind == render.SeldonDeployment })
		before := creates(w.cluster, render.SeldonDeployment)
		busy.always = true
		pass, err := loop.Once(t.Context())
		if err != nil || !strings.Contains(fmt.Sprint(pass.Failed), "the branch moved 20 times meanwhile") {
			t.Errorf("%v, failed %v", err, pass.Failed)
		}
		if n := creates(w.cluster, render.SeldonDeployment) - before; n != 2 {
			t.Errorf("%d objects are served again, not 2", n)
		}
	})
}

// busySource has somebody push before each commit.
type busySource struct {
	*memory.Source
	always bool
	n      int
}

func (s *busySource) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if s.always {
		s.n++
		s.Push("a note", map[string][]byte{"note.txt": fmt.Append(nil, s.n)})
	}
	return s.Source.Commit(ctx, base, edit)
}

// TestDeclined has the server decline what is recorded of one model, by a rule of its own: the other one is recorded all the same (I10), and
// the reason is told.
func TestDeclined(t *testing.T) {
	w := newWorld(t, twoModels)
	o := w.loop().Options
	o.Source = &ruled{Source: w.source, against: "selected/mnist.cue"}
	loop := reconcile.New(o)
	said := ""
	for range 8 {
		pass, err := loop.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said += fmt.Sprint(pass.Failed)
		w.advance()
	}
	if got := w.source.File("selected/other.cue"); !strings.Contains(got, "image:") {
		t.Errorf("other has\n%s\n%s", got, said)
	}
	if w.source.File("selected/mnist.cue") != "" || !strings.Contains(said, "[mnist: hold: record: release 1, experiment ") || !strings.Contains(said, "the server declined it") {
		t.Errorf("what failed is %s", said)
	}
}

// ruled takes nothing that touches one file.
type ruled struct {
	*memory.Source
	against string
}

func (s *ruled) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	if edit.Files[s.against] != nil {
		return "", fmt.Errorf("%w: not in December", reconcile.ErrDeclined)
	}
	return s.Source.Commit(ctx, base, edit)
}
