package polyaxon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// server is what the suite runs against: the fake, or the real one.
type server struct {
	url   string
	store string              // its artifacts store: <run uuid>/outputs/...
	pass  func(time.Duration) // lets its clock go on
	quick time.Duration       // in which it surely answers
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
