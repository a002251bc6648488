package polyaxon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// server is what the suite runs against: the fake, or the real one.
type server struct {
	url   string
	store string              // its artifacts store: <run uuid>/outputs/...
	pass  func(time.Duration) // lets its clock go on
}

// bench is one case of the suite: an engine on a project of its own, and the hands of the trainers.
type bench struct {
	*testing.T
	server
	engine *Engine
	wire   *wire
}

const project = "suite-"

func newBench(t *testing.T, s server, name string) *bench {
	b := &bench{T: t, server: s, wire: &wire{}}
	b.engine = b.newEngine("r-0123456789abcdef", project+name)
	return b
}

func (b *bench) newEngine(repository, project string) *Engine {
	b.Helper()
	e, err := New(Options{BaseURL: b.url, Owner: "default", Project: project, RepositoryOwner: repository, Transport: b.wire})
	if err != nil {
		b.Fatal(err)
	}
	e.client.pause = 20 * time.Millisecond
	e.patience = patience{metric: 4 * time.Second, settle: 3 * time.Second}
	return e
}

// object is a search of n experiments over lr; change edits its operation.
func object(model string, n int, change func(matrix, operation map[string]any)) render.Object {
	sum := sha256.Sum256([]byte("search"))
	digest := schema.Digest("v1-" + hex.EncodeToString(sum[:]))
	matrix := map[string]any{
		"kind": "random", "numRuns": int64(n), "seed": int64(7), "concurrency": int64(5),
		"params": map[string]any{"lr": map[string]any{"kind": "uniform", "value": "0.1:0.9"}},
	}
	operation := map[string]any{
		"version": 1.1, "kind": "operation", "name": model, "cache": map[string]any{"disable": true}, "matrix": matrix,
		"component": map[string]any{
			"version": 1.1, "kind": "component", "name": model,
			"inputs": []any{
				map[string]any{"name": "lr", "type": "float"},
				map[string]any{"name": "epochs", "type": "int", "value": int64(5), "isOptional": true},
			},
			"outputs": []any{map[string]any{"name": "accuracy", "type": "float"}, map[string]any{"name": "loss", "type": "float"}},
			"run":     map[string]any{"kind": "job", "container": map[string]any{"image": "none", "command": []any{"true"}}},
		},
	}
	if change != nil {
		change(matrix, operation)
	}
	return render.Object{Ref: render.Ref{Kind: render.Search, Name: model + "-" + digest.Short()}, Model: model, Digest: digest, Body: operation}
}

func (b *bench) apply(o render.Object) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := b.engine.Apply(ctx, o, ""); err != nil {
		b.Fatal(err)
	}
}

// observe returns the only search of the project.
func (b *bench) observe() plan.Observed {
	b.Helper()
	all := b.all()
	if len(all) != 1 {
		b.Fatalf("%d searches, want 1: %v", len(all), all)
	}
	return all[0]
}

func (b *bench) all() []plan.Observed {
	b.Helper()
	live, err := b.engine.Observe(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var all []plan.Observed
	for _, observed := range live.Objects {
		all = append(all, observed...)
	}
	return all
}

// want observes and checks how far the search is.
func (b *bench) want(phase plan.Phase, message string) plan.Observed {
	b.Helper()
	o := b.observe()
	if o.Phase != phase || !strings.Contains(o.Message, message) {
		b.Fatalf("search is %s (%s), want %s (%s)", o.Phase, o.Message, phase, message)
	}
	if (phase == plan.Running) != o.Ended.IsZero() {
		b.Fatalf("%s search has ended at %v", phase, o.Ended)
	}
	return o
}

// send is a request of a trainer, an agent or a person, past the engine. They all repeat an empty 405.
func (b *bench) send(method, uid string, below string, body any) {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	target := fmt.Sprintf("%s/api/v1/default/%s/runs/%s%s", b.url, b.engine.project, uid, below)
	for range 50 {
		request, err := http.NewRequestWithContext(b.Context(), method, target, bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		reply.Body.Close()
		switch {
		case reply.StatusCode/100 == 2:
			return
		case reply.StatusCode != http.StatusMethodNotAllowed:
			b.Fatalf("%s %s: %s", method, target, reply.Status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("%s %s: not taken", method, target)
}

func (b *bench) status(uid, status string) {
	b.Helper()
	b.send(http.MethodPost, uid, "/statuses", map[string]any{"condition": map[string]any{"type": status, "status": true}})
}

func (b *bench) outputs(uid string, outputs map[string]any) {
	b.Helper()
	b.send(http.MethodPatch, uid, "", map[string]any{"outputs": outputs, "merge": true})
}

// train lets the experiment succeed with that accuracy.
func (b *bench) train(uid string, accuracy float64) {
	b.Helper()
	b.outputs(uid, map[string]any{"accuracy": accuracy, "loss": 1 - accuracy})
	b.status(uid, "succeeded")
}

func (b *bench) write(uid, name, text string) {
	b.Helper()
	path := filepath.Join(b.store, uid, "outputs", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		b.Fatal(err)
	}
}

func TestFake(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	runSuite(t, server{f.URL, f.store, f.pass})
}

// runSuite is the behaviour that users rely on, whichever server there is.
func runSuite(t *testing.T, s server) {
	for name, do := range map[string]func(*bench){
		"nothing": nothing, "whole": whole, "late-metric": lateMetric, "no-metric": noMetric, "odd-metric": oddMetric, "one-failed": oneFailed,
		"stopped": stopped, "early": stoppedByServer, "tuner": failedAlone, "approval": pendingApproval, "hung": hung,
		"evidence": evidence, "no-artifact": noArtifact, "foreign": foreign, "twins": twins, "refused": refusedOperation,
		"lost-reply": lostReply, "slow-create": slowCreate, "storm": storm, "truncated": truncated, "one-broken": oneBroken,
	} {
		t.Run(name, func(t *testing.T) { do(newBench(t, s, name)) })
	}
}

func nothing(b *bench) {
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
	if err == nil || !strings.Contains(err.Error(), "was not created") || !strings.Contains(err.Error(), "runs: 400: ") {
		b.Fatal(err)
	}
	b.wire.wantPosts(b.T, 2)
}
