package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestMain lets the test binary take the place of Python, as a model server that answers what is in its file `answer`. It ends with
// its input, as the real one does.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "python" {
		os.Exit(m.Run())
	}
	if err := fakeServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

func fakeServer() error {
	answer, err := os.ReadFile("answer")
	if err != nil {
		return err
	}
	if string(answer) == "broken" {
		return errors.New("ImportError: no module named nonsense")
	}
	if string(answer) == "hang" {
		_, err := io.Copy(io.Discard, os.Stdin) // until it is closed
		return err
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
		os.Exit(0)
	}()
	fmt.Printf("{\"port\": %d}\n", socket.Addr().(*net.TCPAddr).Port)
	return http.Serve(socket, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") == "crash" {
			os.Exit(7)
		}
		fmt.Fprint(w, string(answer))
	}))
}

// world is an engine that has packaged a model, which answers as is said.
type world struct {
	*testing.T
	*Engine
	answers map[string]string // by commit
	model   schema.Model
	release schema.Release
	front   *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, answers: map[string]string{}}
	w.Engine, w.model, w.release = trained(t, served)
	w.options.Source = func(_ context.Context, commit string) (fs.FS, error) {
		return fstest.MapFS{"serve/M.py": {}, "serve/answer": {Data: []byte(w.answers[commit])}}, nil
	}
	programs := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(programs, "python"))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.python = func(context.Context, string, func(string)) (string, error) { return programs, nil }
	w.front = httptest.NewServer(w.Engine.front)
	t.Cleanup(w.front.Close)
	return w
}

// image packages code that answers so.
func (w *world) image(number int, answer string) schema.Release {
	w.Helper()
	r := w.release
	r.Number, r.Commit = number, fmt.Sprintf("%040d", number)
	r.Answers.Package = schema.Digest(fmt.Sprintf("v1-%064d", number))
	w.answers[r.Commit] = answer
	o := pack(w.T, w.Engine, w.model, r)
	if o.Phase != plan.Succeeded {
		w.Fatalf("%s: %s", o.Phase, o.Message)
	}
	r.Image = o.Image
	return r
}

// serve applies the deployment of a release and waits until its phase is as wanted.
func (w *world) serve(r schema.Release, replicas int, want plan.Phase) plan.Observed {
	w.Helper()
	e := schema.Environment{Name: "staging", Namespace: "ml", ObjectName: "m", Replicas: replicas}
	o := render.NewSeldonDeployment(w.model, e, r, settings)
	live, err := w.Observe(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	seen := ""
	if now := live.Objects[o.Ref]; len(now) > 0 {
		seen = now[0].Seen
	}
	if err := w.Apply(w.Context(), o, seen); err != nil {
		w.Fatal(err)
	}
	return await(w.T, w.Engine, o.Ref, func(now plan.Observed) bool { return now.Phase == want && now.Seen != seen })
}

// ask is the answer to a prediction, or the status where that is none.
func (w *world) ask(contentType string) string {
	reply, err := http.Post(w.front.URL+"/seldon/ml/m/api/v1.0/predictions", contentType, strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		return reply.Status
	}
	return string(body)
}

func TestDeployment(t *testing.T) {
	w := newWorld(t)
	one := w.serve(w.image(1, "one"), 1, plan.Succeeded)
	if got := w.ask("application/json"); got != "one" {
		t.Errorf("it answers %s", got)
	}
	o := w.serve(w.image(2, "broken"), 1, plan.Failed)
	if !strings.Contains(o.Message, "it does not start (exit code 3); log ") {
		t.Errorf("it fails with %s", o.Message)
	}
	if got := w.ask("application/json"); got != "one" {
		t.Errorf("beside a release that does not start it answers %s", got)
	}
	now := w.serve(w.image(3, "three"), 2, plan.Succeeded)
	if got := w.ask("application/json"); got != "three" || now.UID != one.UID {
		t.Errorf("it answers %s", got)
	}
	if err := w.Remove(t.Context(), now.Ref, now.UID, now.Seen); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return w.ask("application/json") == "404 Not Found" })
}

// TestDeploymentHangs: a release that never gets ready keeps nobody from serving the one before it, nor the one after it.
func TestDeploymentHangs(t *testing.T) {
	w := newWorld(t)
	first := w.serve(w.image(1, "one"), 1, plan.Succeeded)
	hangs := w.serve(w.image(2, "hang"), 1, plan.Running)
	eventually(t, "it is started", func() bool { return len(marked(w.mark(first.UID))) == 2 })
	if got := w.ask("application/json"); got != "one" || hangs.UID != first.UID {
		t.Errorf("it answers %s", got)
	}
	w.serve(w.image(3, "three"), 1, plan.Succeeded)
	if got := w.ask("application/json"); got != "three" {
		t.Errorf("it answers %s", got)
	}
	eventually(t, "the others have ended", func() bool { return len(marked(w.mark(first.UID))) == 1 })
}

// TestSameImage serves one image in many places that are begun at once.
func TestSameImage(t *testing.T) {
	w := newWorld(t)
	r := w.image(1, "one")
	var all []render.Ref
	for i := range 8 {
		e := schema.Environment{Name: "e", Namespace: "ml", ObjectName: fmt.Sprint("m", i), Replicas: 1}
		o := render.NewSeldonDeployment(w.model, e, r, settings)
		if err := w.Apply(t.Context(), o, ""); err != nil {
			t.Fatal(err)
		}
		all = append(all, o.Ref)
	}
	for _, ref := range all {
		if o := await(t, w.Engine, ref, ended); o.Phase != plan.Succeeded {
			t.Errorf("%s: %s: %s", ref, o.Phase, o.Message)
		}
	}
}

func TestDeploymentCrashes(t *testing.T) {
	w := newWorld(t)
	o := w.serve(w.image(1, "one"), 1, plan.Succeeded)
	w.ask("crash")
	crashed := await(t, w.Engine, o.Ref, func(o plan.Observed) bool { return o.Phase == plan.Failed })
	if !strings.Contains(crashed.Message, "it crashed (exit code 7)") || !strings.Contains(crashed.Message, "started again in 1s") {
		t.Errorf("it says %s", crashed.Message)
	}
	await(t, w.Engine, o.Ref, func(o plan.Observed) bool { return o.Phase == plan.Succeeded })
	if got := w.ask("application/json"); got != "one" {
		t.Errorf("it answers %s", got)
	}
}

// TestDeploymentSwitch asks without a pause while releases take each other's place: each request is answered.
func TestDeploymentSwitch(t *testing.T) {
	w := newWorld(t)
	releases := []schema.Release{w.image(1, "1"), w.image(2, "2"), w.image(3, "3")}
	w.serve(releases[0], 1, plan.Succeeded)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				if got := w.ask("application/json"); !strings.Contains("123", got) {
					t.Errorf("it answers %s", got)
				}
			}
		})
	}
	for i := range 6 {
		w.serve(releases[(i+1)%len(releases)], 1, plan.Succeeded)
	}
	cancel()
	all.Wait()
}
