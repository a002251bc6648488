package polyaxon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

func TestFake(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	runSuite(t, server{f.URL, f.store, f.pass, 200 * time.Millisecond})
}

// runSuite is the behaviour that users rely on, whichever server there is.
func runSuite(t *testing.T, s server) {
	for name, do := range map[string]func(*bench){
		"nothing": none, "whole": whole, "late-metric": lateMetric, "no-metric": noMetric, "odd-metric": oddMetric, "one-failed": oneFailed,
		"stopped": stopped, "early": stoppedByServer, "tuner": failedAlone, "approval": pendingApproval, "hung": hung,
		"evidence": evidence, "daemons": daemons, "deleted": deleted, "no-artifact": noArtifact, "foreign": foreign, "twins": twins, "refused": refusedOperation,
		"contract": contract, "lost-reply": lostReply, "slow-create": slowCreate, "storm": storm, "truncated": truncated, "one-broken": oneBroken,
	} {
		t.Run(name, func(t *testing.T) { do(newBench(t, s, name)) })
	}
}

func none(b *bench) {
	if all := b.all(); len(all) != 0 {
		b.Fatal(all)
	}
	b.wire.wantPosts(b.T, 0)
}

func whole(b *bench) {
	search := object("mnist", 3, nil)
	b.apply(search)
	b.apply(search)
	b.wire.wantPosts(b.T, 2) // the project and the run
	o := b.want(plan.Running, "")
	if o.Ref != search.Ref || o.Model != "mnist" || o.Digest != search.Digest || o.Seen != o.UID || len(o.Experiments) != 3 {
		b.Fatalf("observed %+v", o)
	}
	for i, x := range o.Experiments {
		if _, float := x.Params["lr"].(float64); !float || x.Params["epochs"] != int64(5) || len(x.Metrics) > 0 || x.Phase != plan.Running {
			b.Errorf("experiment %+v", x)
		}
		b.train(x.UID, float64(i)/8)
	}
	o = b.want(plan.Succeeded, "")
	for i, x := range o.Experiments {
		if diff := cmp.Diff(map[string]float64{"accuracy": float64(i) / 8, "loss": 1 - float64(i)/8}, x.Metrics); diff != "" || x.Phase != plan.Succeeded || x.Ended.IsZero() {
			b.Errorf("experiment %+v: %s", x, diff)
		}
	}
	before := b.wire.count()
	if again := b.want(plan.Succeeded, ""); b.wire.count() != before+1 || !cmp.Equal(o, again) {
		b.Errorf("a settled search took %d requests, want 1", b.wire.count()-before)
	}
}

func lateMetric(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0]
	b.status(x.UID, "succeeded")
	b.want(plan.Running, "its accuracy is waited for")
	b.outputs(x.UID, map[string]any{"accuracy": 0.5, "loss": 0.5})
	if o := b.want(plan.Succeeded, ""); o.Experiments[0].Metrics["accuracy"] != 0.5 {
		b.Fatalf("%+v", o.Experiments)
	}
}

func noMetric(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0]
	b.status(x.UID, "succeeded")
	b.want(plan.Running, "its accuracy is waited for")
	b.pass(6 * time.Second)
	if o := b.want(plan.Succeeded, ""); len(o.Experiments[0].Metrics) > 0 {
		b.Fatalf("%+v", o.Experiments)
	}
	b.outputs(x.UID, map[string]any{"accuracy": 0.5}) // later than anybody waits, and seen all the same
	if o := b.want(plan.Succeeded, ""); o.Experiments[0].Metrics["accuracy"] != 0.5 {
		b.Fatalf("%+v", o.Experiments)
	}
}

func oddMetric(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0]
	b.outputs(x.UID, map[string]any{"accuracy": "0.9", "loss": 2, "note": true, "list": []int{1}})
	b.status(x.UID, "succeeded")
	if diff := cmp.Diff(map[string]float64{"loss": 2}, b.want(plan.Succeeded, "").Experiments[0].Metrics); diff != "" {
		b.Fatal(diff)
	}
}

func oneFailed(b *bench) {
	b.apply(object("mnist", 2, nil))
	xs := b.want(plan.Running, "").Experiments
	b.train(xs[0].UID, 0.5)
	b.status(xs[1].UID, "failed")
	o := b.want(plan.Succeeded, "") // the matrix says failed, one experiment says what it is good for
	if o.Experiments[0].Phase != plan.Succeeded || o.Experiments[1].Phase != plan.Failed {
		b.Fatalf("%+v", o.Experiments)
	}
}

func stopped(b *bench) {
	search := object("mnist", 2, nil)
	b.apply(search)
	o := b.want(plan.Running, "")
	x := o.Experiments[0].UID
	b.status(x, "running")
	if err := b.engine.Remove(b.Context(), o.Ref, strings.Repeat("0", 32), ""); err != nil {
		b.Error("gone already:", err)
	}
	if err := b.engine.Remove(b.Context(), o.Ref, o.UID, x); !errors.Is(err, reconcile.ErrStale) {
		b.Error("seen as another run:", err)
	}
	if err := b.engine.Remove(b.Context(), render.Ref{Kind: render.Search, Name: "other"}, o.UID, o.Seen); !errors.Is(err, reconcile.ErrStale) {
		b.Error("of another name:", err)
	}
	if err := b.engine.Remove(b.Context(), o.Ref, x, ""); !errors.Is(err, reconcile.ErrNotOurs) {
		b.Error("an experiment:", err)
	}
	b.want(plan.Running, "")
	for range 2 {
		if err := b.engine.Remove(b.Context(), o.Ref, o.UID, o.Seen); err != nil {
			b.Fatal(err)
		}
		b.want(plan.Running, "stopping")
	}
	b.status(x, "stopped")
	b.want(plan.Stopped, "")
	if err := b.engine.Remove(b.Context(), o.Ref, o.UID, o.Seen); err != nil {
		b.Fatal(err)
	}
	b.apply(search)
	b.wire.wantPosts(b.T, 3) // project, run, stop: a stopped search is found, not created again
}

func stoppedByServer(b *bench) {
	b.apply(object("mnist", 3, func(matrix, _ map[string]any) {
		matrix["earlyStopping"] = []any{map[string]any{"kind": "metric_early_stopping", "metric": "accuracy", "value": 0.9, "optimization": "maximize"}}
	}))
	b.train(b.want(plan.Running, "").Experiments[0].UID, 0.95)
	o := b.want(plan.Succeeded, "")
	if o.Experiments[0].Phase != plan.Succeeded || o.Experiments[1].Phase != plan.Stopped {
		b.Fatalf("%+v", o.Experiments)
	}
}

func failedAlone(b *bench) {
	b.apply(object("mnist", 0, func(matrix, operation map[string]any) {
		operation["matrix"] = map[string]any{
			"kind": "bayes", "numInitialRuns": 2, "maxIterations": 2, "params": matrix["params"],
			"metric":          map[string]any{"name": "loss", "optimization": "minimize"},
			"utilityFunction": map[string]any{"acquisitionFunction": "ucb", "kappa": 1.2},
		}
	}))
	b.want(plan.Failed, "Could not create a tuner, an exception was raised")
}

func pendingApproval(b *bench) {
	b.apply(object("mnist", 1, func(_, operation map[string]any) { operation["isApproved"] = false }))
	b.want(plan.Running, "pending approval")
}

func hung(b *bench) {
	b.apply(object("mnist", 2, func(matrix, _ map[string]any) {
		matrix["params"] = map[string]any{"lr": map[string]any{"kind": "choice", "value": []any{"a", "b"}}}
	}))
	b.want(plan.Running, "")
	b.pass(5 * time.Second)
	if o := b.want(plan.Succeeded, ""); o.Experiments[0].Phase != plan.Failed {
		b.Fatalf("%+v", o)
	}
}

func evidence(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0].UID
	b.train(x, 0.5)
	b.want(plan.Succeeded, "")
	garbled := map[string]any{metaSHA256 + "model.dat": "abc"} // and it is written over
	b.send(http.MethodPatch, x, "", map[string]any{"meta_info": garbled, "merge": true})
	want := map[string]string{}
	for name, text := range map[string]string{"model.dat": "weights", "sub dir/größe.txt": strings.Repeat("long ", 10000)} {
		b.write(x, name, "before")
		if err := b.engine.Fetch(b.Context(), x, name); err != nil {
			b.Fatal(err)
		}
		b.write(x, name, text)
		if err := b.engine.Fetch(b.Context(), x, name); err != nil {
			b.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		want[name] = hex.EncodeToString(sum[:])
	}
	if diff := cmp.Diff(want, b.want(plan.Succeeded, "").Experiments[0].Artifacts); diff != "" {
		b.Fatal(diff)
	}
}

// daemons: what one of them fetched another does not see at once, as the search itself is not changed by it. It fetches once
// more at most, and sees it in the end without that (I5).
func daemons(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0].UID
	b.train(x, 0.5)
	b.write(x, "model.dat", "weights")
	var all []*Engine
	for range 3 {
		b.engine = b.newEngine("r-0123456789abcdef", b.engine.project)
		b.want(plan.Succeeded, "")
		all = append(all, b.engine)
	}
	sums := func(e *Engine) int {
		b.engine = e
		return len(b.want(plan.Succeeded, "").Experiments[0].Artifacts)
	}
	for i, e := range all[:2] {
		if err := e.Fetch(b.Context(), x, "model.dat"); err != nil || sums(e) != 1 {
			b.Errorf("daemon %d fetched and sees %d sums: %v", i, sums(e), err)
		}
	}
	all[2].now = func() time.Time { return time.Now().Add(remembered) }
	if sums(all[2]) != 1 {
		b.Error("a daemon never sees what another one fetched")
	}
}

// deleted: an experiment that a person deletes cannot win for ever (I5), though its search does not change by that.
func deleted(b *bench) {
	b.apply(object("mnist", 2, nil))
	xs := b.want(plan.Running, "").Experiments
	b.train(xs[0].UID, 0.5)
	b.train(xs[1].UID, 0.9)
	b.want(plan.Succeeded, "")
	b.send(http.MethodDelete, xs[1].UID, "", nil)
	b.engine.now = func() time.Time { return time.Now().Add(remembered) }
	if o := b.want(plan.Succeeded, ""); len(o.Experiments) != 1 || o.Experiments[0].UID != xs[0].UID {
		b.Errorf("%+v", o.Experiments)
	}
}

func noArtifact(b *bench) {
	b.apply(object("mnist", 1, nil))
	x := b.want(plan.Running, "").Experiments[0].UID
	for name, want := range map[string]string{"model.dat": "outputs is empty", "sub/model.dat": "outputs/sub is empty"} {
		if err := b.engine.Fetch(b.Context(), x, name); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			b.Error(err)
		}
	}
	b.write(x, "modell.dat", "weights")
	b.write(x, "logs/a", "")
	if err := b.engine.Fetch(b.Context(), x, "model.dat"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "outputs has logs/, modell.dat") {
		b.Error(err)
	}
	for _, name := range []string{"", ".", "../x", "/etc/passwd", "a/../../x"} {
		if err := b.engine.Fetch(b.Context(), x, name); !errors.Is(err, fs.ErrInvalid) {
			b.Errorf("%q: %v", name, err)
		}
	}
}

// foreign: what another repository has in the same project is neither seen nor touched.
func foreign(b *bench) {
	b.apply(object("mnist", 1, nil))
	o := b.observe()
	b.engine = b.newEngine("r-fedcba9876543210", b.engine.project)
	if all := b.all(); len(all) != 0 {
		b.Fatal(all)
	}
	if err := b.engine.Remove(b.Context(), o.Ref, o.UID, o.Seen); !errors.Is(err, reconcile.ErrNotOurs) {
		b.Fatal(err)
	}
	b.apply(object("mnist", 1, nil))
	if mine := b.observe(); mine.UID == o.UID {
		b.Fatal("took over the search of another repository")
	}
}

// twins: two models that ask for the same thing have a search each.
func twins(b *bench) {
	for range 2 {
		b.apply(object("mnist", 1, nil))
		b.apply(object("digits", 1, nil))
	}
	if all := b.all(); len(all) != 2 {
		b.Fatal(all)
	}
}

func refusedOperation(b *bench) {
	err := b.engine.Apply(b.Context(), object("mnist", 1, func(_, operation map[string]any) {
		operation["matrix"] = "none"
	}), "")
	if err == nil || !strings.Contains(err.Error(), "nothing was created") || !strings.Contains(err.Error(), "runs: 400: ") {
		b.Fatal(err)
	}
	b.wire.wantPosts(b.T, 2)
}
