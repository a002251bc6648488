//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/internal/sandbox"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// What TestContention has at work, and for how long.
const (
	contestedModels = 50
	contestants     = 5
	contest         = time.Minute
	// known to in git: 99 of 100 times within that, on a machine where people's own pushes take no longer than usual.
	promised = 5 * time.Second
	usual    = 250 * time.Millisecond
)

// TestContention has two daemons that know nothing of each other and five people push to one branch for a minute, behind a real git server,
// while the searches and builds of 50 models end at random moments, and people ask for new ones. Nobody's commit is lost (I3), each
// release and each image is recorded exactly once and never changed (I2), and what a daemon knows is in git within seconds.
//
// The engines are in memory: what is tried here is git, and both daemons have to see the same.
func TestContention(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newContest(t, rand.New(rand.NewPCG(seed, 0)))
	ctx, stop := context.WithTimeout(t.Context(), contest)
	defer stop()
	var daemons, people sync.WaitGroup
	running, end := context.WithCancel(t.Context())
	defer end()
	for _, name := range []string{"first", "second"} {
		daemons.Go(func() { c.daemon(name).Run(running) })
	}
	daemons.Go(func() { c.engines(running) })
	for i := range contestants {
		dice := rand.New(rand.NewPCG(seed, uint64(i+1)))
		people.Go(func() { c.person(ctx, i, dice) })
	}
	people.Wait()
	c.settle()
	end()
	daemons.Wait()
	c.judge()
}

// contested is the world of TestContention.
type contested struct {
	*testing.T
	git               *stack.Git
	dir, binary       string
	searches, cluster *memory.Engine

	mu    sync.Mutex
	dice  *rand.Rand
	ends  map[string]time.Time // when an object that runs will end, by UID
	known map[string]time.Time // when a daemon observed for the first time what it records: a winner's UID, or an image
	took  []time.Duration      // from then until git had it
	push  []time.Duration      // that people's pushes took, those that came too late included
	sent  []string             // subjects of people's commits that were pushed
	waits map[string]int       // commits of daemons by the number of records in them
	stale int                  // commits that came too late
}

func newContest(t *testing.T, dice *rand.Rand) *contested {
	c := &contested{T: t, dir: t.TempDir(), dice: dice, ends: map[string]time.Time{}, known: map[string]time.Time{}, waits: map[string]int{}}
	var err error
	if c.git, err = stack.StartGit(t.Context(), c.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.git.Close() })
	c.binary = program(t)
	c.searches, c.cluster = memory.NewEngine(time.Now), memory.NewEngine(time.Now)
	if _, err := c.git.Push(t.Context(), "models", func(dir string) error {
		for i := range contestedModels {
			if err := os.WriteFile(filepath.Join(dir, contestedName(i)+".cue"), []byte(contestedModel(i, 1)), 0o600); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(dir, "serve"), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "serve", "Model.py"), []byte("class Model: pass\n"), 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

func contestedName(i int) string { return fmt.Sprintf("m%02d", i) }

func contestedModel(i, revision int) string {
	return fmt.Sprintf(`package models

models: %[1]s: {
	train: {
		image:    "registry.example/train:1"
		command:  ["python", "run.py", "--lr={{ lr }}"]
		revision: %[2]d
		search: {random: {experiments: 3, seed: 7}, matrix: lr: uniform: "0.1:0.2"}
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {image: "registry.example/%[1]s", source: path: "serve"}
	serve: staging: namespace: "ml-staging"
}
`, contestedName(i), revision)
}

// daemon is one with a client of its own, which leads whatever others do.
func (c *contested) daemon(holder string) *reconcile.Loop {
	repo, err := gitrepo.Open(gitrepo.Options{URL: c.git.URL(), Branch: "main", AuthorName: "Trefoil", AuthorEmail: "trefoil@example.com"})
	if err != nil {
		panic(err) // in a goroutine
	}
	var built schema.Memory
	child := sandbox.New(sandbox.Options{Command: []string{c.binary, "trefoil", "evaluate-cue"}, Deadline: 10 * time.Second})
	return reconcile.New(reconcile.Options{
		Source: timedSource{repo, c}, Searches: watchedEngine{c.searches, c}, Cluster: watchedEngine{c.cluster, c},
		Load: func(ctx context.Context, tree schema.Tree) (schema.Catalog, error) {
			return built.Load(ctx, tree, child.Evaluate)
		},
		Settings: render.Settings{Owner: "r-1", Workflows: render.Workflows{Namespace: "argo"}},
		Limits:   plan.Limits{Deletions: 5, ExperimentsPerHour: 1_000_000, CommitsPerHour: 1_000_000},
		Holder:   holder, Poll: time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
}

// watchedEngine notes when a daemon sees something for the first time.
type watchedEngine struct {
	*memory.Engine
	*contested
}

func (e watchedEngine) Observe(ctx context.Context) (plan.Live, error) {
	live, err := e.Engine.Observe(ctx)
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, all := range live.Objects {
		for _, o := range all {
			for _, x := range o.Experiments {
				e.first(x.UID, now)
			}
			if o.Ref.Kind == render.Workflow && o.Phase == plan.Succeeded {
				e.first(o.Image, now)
			}
		}
	}
	return live, err
}

func (c *contested) first(what string, now time.Time) {
	if _, seen := c.known[what]; !seen {
		c.known[what] = now
	}
}

// timedSource notes when git has what was known.
type timedSource struct {
	*gitrepo.Repo
	*contested
}

var recorded = regexp.MustCompile(`(?m)^m\d\d: release \d+(?:, experiment ([0-9a-f]+)| is (\S+@sha256:[0-9a-f]+))`)

func (s timedSource) Commit(ctx context.Context, base plan.Revision, edit reconcile.Edit) (plan.Revision, error) {
	tip, err := s.Repo.Commit(ctx, base, edit)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.stale++
		return tip, err
	}
	records := map[string]bool{}
	for _, found := range recorded.FindAllStringSubmatch(edit.Message, -1) {
		records[found[0]] = true
		for what, at := range s.known {
			if found[1] != "" && strings.HasPrefix(what, found[1]) || found[2] != "" && what == found[2] {
				s.took = append(s.took, now.Sub(at))
			}
		}
	}
	s.waits[string(tip)] = len(records)
	return tip, nil
}

// engines let what runs end, each at a moment of its own.
func (c *contested) engines(ctx context.Context) {
	for ctx.Err() == nil {
		c.searches.Change(render.Search, func(o *plan.Observed) {
			if !c.ended(o, 30*time.Second) {
				return
			}
			for i, accuracy := range []float64{0.8, 0.95, 0.9} {
				o.Experiments = append(o.Experiments, plan.Experiment{
					UID: fmt.Sprintf("%s%016d", o.UID[16:], i), Created: o.Created, Ended: time.Now(), Phase: plan.Succeeded,
					Params: map[string]any{"lr": 0.1}, Metrics: map[string]float64{"accuracy": accuracy},
				})
			}
		})
		c.cluster.Change(render.Workflow, func(o *plan.Observed) {
			if c.ended(o, 10*time.Second) {
				o.Image = "registry.example/" + o.Model + "@sha256:" + strings.TrimPrefix(string(o.Digest), "v1-")
			}
		})
		c.cluster.Change(render.SeldonDeployment, func(o *plan.Observed) { o.Phase = plan.Succeeded })
		time.Sleep(20 * time.Millisecond)
	}
}

// ended ends what runs, within most of its beginning.
func (c *contested) ended(o *plan.Observed, most time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Phase != plan.Running {
		return false
	}
	at, set := c.ends[o.UID]
	if !set {
		at = time.Now().Add(time.Duration(c.dice.Int64N(int64(most))))
		c.ends[o.UID] = at
	}
	if time.Now().Before(at) {
		return false
	}
	o.Phase, o.Ended = plan.Succeeded, time.Now()
	return true
}

// person pushes until ctx ends: notes, and new searches for models of its own. What is begun then is pushed still.
func (c *contested) person(ctx context.Context, number int, dice *rand.Rand) {
	clone, revision := filepath.Join(c.dir, fmt.Sprintf("person%d", number)), 1
	c.gitAs(number, c.dir, "clone", "--quiet", c.git.URL(), clone)
	for n := 1; ctx.Err() == nil; n++ {
		subject := fmt.Sprintf("person %d, commit %d", number, n)
		file, text := fmt.Sprintf("notes-%d.txt", number), subject
		if dice.IntN(6) == 0 {
			revision++
			model := number + contestants*dice.IntN(contestedModels/contestants)
			file, text = contestedName(model)+".cue", contestedModel(model, revision)
		}
		if err := os.WriteFile(filepath.Join(clone, file), []byte(text), 0o600); err != nil {
			panic(err)
		}
		c.gitAs(number, clone, "add", "--all")
		c.gitAs(number, clone, "commit", "--quiet", "--message="+subject)
		begun := time.Now()
		err := c.tryGitAs(number, clone, "push", "--quiet", "origin", "HEAD:main")
		took := time.Since(begun)
		for err != nil {
			c.gitAs(number, clone, "pull", "--quiet", "--rebase", "origin", "main")
			err = c.tryGitAs(number, clone, "push", "--quiet", "origin", "HEAD:main")
		}
		c.mu.Lock()
		c.push = append(c.push, took)
		c.sent = append(c.sent, subject)
		c.mu.Unlock()
		time.Sleep(time.Duration(200+dice.IntN(1500)) * time.Millisecond)
	}
}

func (c *contested) gitAs(number int, dir string, args ...string) {
	if err := c.tryGitAs(number, dir, args...); err != nil {
		panic(err)
	}
}

func (c *contested) tryGitAs(number int, dir string, args ...string) error {
	who := fmt.Sprintf("person%d", number)
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=" + who, "GIT_AUTHOR_EMAIL=" + who + "@example.com",
		"GIT_COMMITTER_NAME=" + who, "GIT_COMMITTER_EMAIL=" + who + "@example.com",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

// settle waits until each model's newest search has a release with an image.
func (c *contested) settle() {
	deadline := time.Now().Add(2 * time.Minute)
	for !c.settled() {
		if time.Now().After(deadline) {
			c.Fatal("I5: two minutes after the last push not everything is in git")
		}
		time.Sleep(time.Second)
	}
}

func (c *contested) settled() bool {
	clone := filepath.Join(c.dir, "now")
	_ = os.RemoveAll(clone)
	c.gitAs(0, c.dir, "clone", "--quiet", "--depth=1", c.git.URL(), clone)
	tree, err := gitrepo.Worktree(clone)
	if err != nil {
		c.Fatal(err)
	}
	catalog, err := schema.Load(c.Context(), tree)
	if err != nil {
		c.Fatal(err)
	}
	for _, m := range catalog.Models {
		s := catalog.Selected[m.Name]
		if len(s.Releases) == 0 {
			return false
		}
		if last := s.Releases[len(s.Releases)-1]; last.Answers != m.Digests || last.Image == "" {
			return false
		}
	}
	return len(catalog.Models) == contestedModels
}

// judge looks at the whole history.
func (c *contested) judge() {
	clone := filepath.Join(c.dir, "all")
	c.gitAs(0, c.dir, "clone", "--quiet", c.git.URL(), clone)
	if err := c.tryGitAs(0, clone, "fsck", "--strict", "--full"); err != nil {
		c.Error(err)
	}
	commits, err := c.git.Log(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	moves, left, err := c.git.Moves(c.Context())
	if err != nil || len(left) > 0 {
		c.Errorf("I3: of %d moves of the branch these were left behind: %v, %v", moves, left, err)
	}
	times, daemons := map[string]int{}, map[plan.Revision]bool{}
	for _, commit := range commits {
		if commit.Author != "Trefoil" {
			times[commit.Subject]++
			continue
		}
		daemons[plan.Revision(commit.Hash)] = true
		for _, line := range recorded.FindAllString(commit.Subject+"\n"+commit.Body, -1) {
			// The subject of a commit about one model is told in its body no more, that of several models names none.
			times[line[:strings.LastIndexAny(line, " ")]]++
		}
	}
	records := 0
	for subject, n := range times {
		if strings.HasPrefix(subject, "m") && strings.Contains(subject, "release") {
			records++
		}
		if n != 1 {
			c.Errorf("I2: %q is in git %d times", subject, n)
		}
	}
	for _, subject := range c.sent {
		if times[subject] != 1 {
			c.Errorf("I3: %q was pushed, and is in git %d times", subject, times[subject])
		}
	}
	c.kept(clone, maps.Clone(daemons))
	at := func(of []time.Duration, percent int) time.Duration {
		slices.Sort(of)
		return of[min(len(of)-1, len(of)*percent/100)].Round(time.Millisecond)
	}
	p99, own := at(c.took, 99), at(c.push, 50)
	c.Logf("people: %d commits, of which a push takes %v; daemons: %d records in %d commits, %d came too late and were made anew; "+
		"known to in git: p50 %v, p99 %v, at most %v", len(c.sent), own, records, len(daemons), c.stale, at(c.took, 50), p99, at(c.took, 100))
	if records < contestedModels*2 || len(daemons) >= records {
		c.Errorf("%d records in %d commits: what became known together is not in one commit", records, len(daemons))
	}
	if most := time.Duration(float64(promised) * max(1, own.Seconds()/usual.Seconds())); p99 > most {
		c.Errorf("what is known is in git after %v in 99 of 100 cases; %v is promised, on this machine %v", p99, promised, most)
	} else if most > promised {
		c.Logf("this machine is slow, so that %v were taken in place of %v", most, promised)
	}
}

// once proves that nothing was decided twice: each model has one release for what it was asked, and one experiment made it.
func (c *contested) once(catalog schema.Catalog) {
	for name, s := range catalog.Selected {
		seen := map[schema.Digests]int{}
		for _, r := range s.Releases {
			if first := seen[r.Answers]; first != 0 {
				c.Errorf("I2: releases %d and %d of %s are one decision", first, r.Number, name)
			}
			seen[r.Answers] = r.Number
		}
	}
}

// kept proves of each commit of a daemon that it keeps every release as the one before had it, but for an image that is new (I2). What
// people's commits in between took away would be missing from the later one.
func (c *contested) kept(clone string, daemons map[plan.Revision]bool) {
	repository, err := gitrepo.OpenClone(clone)
	if err != nil {
		c.Fatal(err)
	}
	at, err := repository.Point("main")
	if err != nil {
		c.Fatal(err)
	}
	var built schema.Memory
	var later map[string]schema.Selected
	for more := true; more; at, more = repository.Before(at) {
		if !daemons[at.Revision] {
			continue
		}
		catalog, err := built.Load(c.Context(), at.Tree, schema.Evaluate)
		if err != nil {
			c.Fatal(err)
		}
		if later == nil {
			c.once(catalog)
		}
		for name, before := range catalog.Selected {
			for _, r := range before.Releases {
				if after, found := later[name].Release(r.Number); later != nil && (!found || !same(r, after)) {
					c.Errorf("I2: after %s release %d of %s is %+v, and was %+v", at.Revision.Short(), r.Number, name, after, r)
				}
			}
		}
		later = maps.Clone(catalog.Selected)
		delete(daemons, at.Revision)
	}
	if len(daemons) > 0 {
		c.Errorf("these commits are not in the history of main: %v", daemons)
	}
}

// same reports whether a release is what it was, or has its image now.
func same(before, after schema.Release) bool {
	if before.Image == "" {
		after.Image = ""
	}
	return fmt.Sprint(before) == fmt.Sprint(after)
}
