//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// patience is how long a search of ten small experiments may take on a slow machine.
const patience = 5 * time.Minute

func workflows() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}
}

func seldonDeployments() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "machinelearning.seldon.io", Version: "v1", Resource: "seldondeployments"}
}

func deployments() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}

// TestThread goes from commit to commit through the real engines: examples/mnist is trained, selected, packaged and served, then
// promoted by one line, trained again under kill -9, and at last broken by a typo.
func TestThread(t *testing.T) {
	w := newWorld(t, startStack(t), true)
	_, err := w.git.Seed(t.Context(), "mnist", "../examples/mnist")
	w.must(err)
	w.start()
	for _, step := range []struct {
		name string
		run  func(*world)
	}{
		{"search", searched}, {"package", packaged}, {"serve", served}, {"quiet", quiet}, {"once", once}, {"promote", promoted},
		{"kill", killed}, {"lost", lost}, {"typo", mistyped}, {"unreachable", unreachable}, {"stop", stopped},
	} {
		if !t.Run(step.name, func(t *testing.T) { inner := *w; inner.T = t; step.run(&inner); w.daemon = inner.daemon }) {
			return // the steps after it build on it
		}
	}
}

// TestDefaultSettings has the Polyaxon server as it comes, whose database refuses writes that overlap: the search gets through all
// the same.
func TestDefaultSettings(t *testing.T) {
	w := newWorld(t, startStack(t), false)
	_, err := w.git.Seed(t.Context(), "mnist", "../examples/mnist")
	w.must(err)
	w.start()
	searched(w)
}

// startStack starts the engines for one test, which other tests run beside: most of their time all of them wait.
func startStack(t *testing.T) *stack.Stack {
	t.Helper()
	t.Parallel()
	s, err := stack.Start(interruptible(t), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// interruptible is the test's context, ended by Ctrl-C too: the test then fails, and what it started is stopped as after any failure.
func interruptible(t *testing.T) context.Context {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	return ctx
}

// searched waits for release 1 and compares it with an independent ranking of the server's data.
func searched(w *world) {
	w.eventually("the commit of release 1", patience, func() bool { return len(w.commits("mnist: release 1, experiment ")) == 1 })
	searches := w.runs("kind:matrix")
	if len(searches) != 1 {
		w.Fatalf("I1: %d searches in Polyaxon, not 1", len(searches))
	}
	experiments := w.runs("pipeline:" + searches[0].UUID)
	if len(experiments) != 10 || w.agent.Begun() != 10 || w.agent.Peak() > 5 {
		w.Errorf("%d experiments, %d processes, %d of them at once; not 10, 10 and at most 5", len(experiments), w.agent.Begun(), w.agent.Peak())
	}
	best := slices.MinFunc(experiments, func(a, b run) int {
		return cmp.Or(-cmp.Compare(number(a, "accuracy"), number(b, "accuracy")), cmp.Compare(number(a, "loss"), number(b, "loss")),
			a.Created.Compare(b.Created), cmp.Compare(a.UUID, b.UUID))
	})
	selected, err := w.git.ReadFile(w.Context(), "selected/mnist.cue")
	w.must(err)
	artifact, err := os.ReadFile(filepath.Join(w.polyaxon.Store, best.UUID, "outputs", "model.dat"))
	w.must(err)
	for _, want := range []string{
		fmt.Sprintf("%q", best.UUID), fmt.Sprintf("%x", sha256.Sum256(artifact)), fmt.Sprintf("accuracy: %v", number(best, "accuracy")),
	} {
		if !strings.Contains(selected, want) {
			w.Errorf("selected/mnist.cue lacks %s of the best experiment:\n%s", want, selected)
		}
	}
	trailers := regexp.MustCompile(`^Trefoil-Model: mnist\nTrefoil-Release: 1\nTrefoil-Search: v1-[0-9a-f]{64}\nTrefoil-Spec-Commit: [0-9a-f]{40}\n$`)
	if c := w.commits("mnist: release 1, experiment ")[0]; !trailers.MatchString(c.Body) {
		w.Errorf("below the subject the commit says\n%s", c.Body)
	} else if !slices.Equal(c.Files, []string{"selected/mnist.cue"}) || c.Author != "Trefoil" {
		w.Errorf("I3: the commit is %+v", c)
	}
}

func number(r run, metric string) float64 {
	v, _ := r.Outputs[metric].(float64)
	return v
}

// packaged waits for the image of release 1 and compares it with what the Workflow says.
func packaged(w *world) {
	const prefix = "mnist: release 1 is registry.example/mnist@"
	w.eventually("the commit of the image", time.Minute, func() bool { return len(w.commits(prefix)) == 1 })
	built := w.list(workflows(), "")
	if len(built) != 1 {
		w.Fatalf("I1: %d Workflows, not 1", len(built))
	}
	digest := output(built[0])
	if !strings.HasPrefix(digest, "sha256:") || w.commits(prefix)[0].Subject != prefix+digest {
		w.Errorf("the Workflow reported %q, the commit is %q", digest, w.commits(prefix)[0].Subject)
	}
	selected, err := w.git.ReadFile(w.Context(), "selected/mnist.cue")
	w.must(err)
	if !regexp.MustCompile(`latest:\s+1\b`).MatchString(selected) || !strings.Contains(selected, digest) {
		w.Errorf("selected/mnist.cue is\n%s", selected)
	}
}

func (w *world) list(resource schema.GroupVersionResource, namespace string) []unstructured.Unstructured {
	w.Helper()
	list, err := w.stack.Kube.Resource(resource).Namespace(namespace).List(w.Context(), metav1.ListOptions{})
	w.must(err)
	return list.Items
}

// output is the digest that a Workflow reported; empty unless it succeeded.
func output(u unstructured.Unstructured) string {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	parameters, _, _ := unstructured.NestedSlice(u.Object, "status", "outputs", "parameters")
	for _, p := range parameters {
		if p, ok := p.(map[string]any); ok && p["name"] == "image-digest" && phase == "Succeeded" {
			value, _ := p["value"].(string)
			return value
		}
	}
	return ""
}

// served waits for staging, while production waits for release 2.
func served(w *world) {
	w.available(stack.NamespaceStaging, output(w.list(workflows(), "")[0]))
	if n := len(w.list(seldonDeployments(), stack.NamespaceProduction)); n != 0 {
		w.Errorf("%d SeldonDeployments in production, which waits for release 2", n)
	}
	w.eventually("status says what production waits for", 30*time.Second, func() bool {
		out, code := w.trefoil("status")
		return code == 0 && regexp.MustCompile(`mnist +production +- +waits for release 2`).MatchString(out) &&
			regexp.MustCompile(`mnist +staging +1 +available`).MatchString(out)
	})
}

// available waits until the SeldonDeployment of a namespace is Available with the image.
func (w *world) available(namespace, digest string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	_, err := w.stack.Kube.Await(ctx, seldonDeployments(), namespace, "mnist", func(u *unstructured.Unstructured) bool {
		state, _, _ := unstructured.NestedString(u.Object, "status", "state")
		text, _ := u.MarshalJSON()
		return state == "Available" && strings.Contains(string(text), "registry.example/mnist@"+digest)
	})
	w.must(err)
	// Available may still be about what was served before: the Deployment tells.
	w.eventually("the Deployment runs "+digest, time.Minute, func() bool {
		made, err := w.stack.Kube.Resource(deployments()).Namespace(namespace).List(w.Context(), metav1.ListOptions{LabelSelector: "seldon-deployment-id=mnist"})
		w.must(err)
		return len(made.Items) == 1 && rolledOut(made.Items[0], "registry.example/mnist@"+digest)
	})
}

// rolledOut reports whether all replicas of a Deployment, and no others, run the image.
func rolledOut(u unstructured.Unstructured, image string) bool {
	template, _, _ := unstructured.NestedMap(u.Object, "spec", "template")
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(u.Object, fields...)
		return n
	}
	asked := number("spec", "replicas")
	return strings.Contains(fmt.Sprint(template), image) && number("status", "observedGeneration") == u.GetGeneration() &&
		number("status", "updatedReplicas") == asked && number("status", "availableReplicas") == asked && number("status", "replicas") == asked
}

// quiet watches the daemon for ten polls in which nothing is to be done.
func quiet(w *world) {
	time.Sleep(3 * time.Second) // the last event of the roll-out
	writes, traffic, calls := w.writes(), w.git.Traffic(), w.counter.Writes()
	passes := w.passes()
	time.Sleep(20 * time.Second)
	after := w.git.Traffic()
	listings := after.Listings - traffic.Listings
	if passes = w.passes() - passes; listings < 8 || listings > passes+1 || listings < passes-1 {
		w.Errorf("%d git listings in %d passes of 2 s polls, not one each", listings, passes)
	}
	if after.Fetches != traffic.Fetches || after.Pushes != traffic.Pushes || after.PushChecks != traffic.PushChecks {
		w.Errorf("git traffic of quiet passes: %+v, then %+v; without a fetch there is nothing to evaluate", traffic, after)
	}
	if n := len(w.writes()) - len(writes); n != 0 {
		w.Errorf("%d writes to the cluster in quiet passes: %+v", n, w.writes()[len(writes):])
	}
	if n := w.counter.Writes() - calls; n != 0 {
		w.Errorf("%d writes to Polyaxon in quiet passes", n)
	}
}

// passes counts the passes at Polyaxon: each lists the searches once.
func (w *world) passes() int {
	return w.counter.Sum(func(c stack.Call) bool {
		return c.Method == "GET" && strings.HasSuffix(c.Path, "/default/trefoil/runs")
	})
}

// writes are what the daemon wrote to the cluster, beside its lease and its status.
func (w *world) writes() []stack.Write {
	w.Helper()
	all, err := w.stack.Writes(stack.UserDaemon)
	w.must(err)
	return slices.DeleteFunc(all, func(x stack.Write) bool { return x.Resource == "leases" || strings.HasPrefix(x.Name, "trefoil-r-") })
}

// once runs one pass by hand beside the daemon.
func once(w *world) {
	out, code := w.trefoil("run", "--once")
	if code != 0 || !strings.Contains(out, "mnist/production: hold: waits for release 2") {
		w.Errorf("trefoil run --once ends with %d and says\n%s", code, out)
	}
	if out, code := w.trefoil("diff"); code != 0 {
		w.Errorf("trefoil diff ends with %d and says\n%s", code, out)
	}
}

// promoted sets production to release 1 by one line: one object is written, and nothing else.
func promoted(w *world) {
	before, calls, pushes := len(w.writes()), w.counter.Writes(), w.git.Traffic().Pushes
	w.push("mnist: production serves release 1", "release: 2", "release: 1")
	w.available(stack.NamespaceProduction, output(w.list(workflows(), "")[0]))
	time.Sleep(5 * time.Second)
	writes := w.writes()[before:]
	if len(writes) != 1 || writes[0].Resource != "seldondeployments" || writes[0].Namespace != stack.NamespaceProduction {
		w.Errorf("the promotion wrote %+v, not one SeldonDeployment", writes)
	}
	if n, m := w.counter.Writes()-calls, w.git.Traffic().Pushes-pushes; n != 0 || m > 1 {
		w.Errorf("the promotion wrote %d times to Polyaxon, and pushed %d times, of which one is a person's", n, m)
	}
}

// killed trains again, and ends the daemon in mid-search and between search and commit: still one run, one commit, one Workflow.
func killed(w *world) {
	begun := w.agent.Begun()
	w.push("mnist: train again", "train: {", "train: {\n\t\trevision: 2")
	w.eventually("the second search", patience, func() bool { return w.agent.Begun() > begun+2 })
	w.kill()
	w.start()
	w.eventually("the end of the second search", patience, func() bool {
		searches := w.runs("kind:matrix")
		return len(searches) == 2 && searches[1].Status == "succeeded"
	})
	w.kill() // nothing is selected before the search was quiet for some seconds
	if n := len(w.commits("mnist: release 2")); n != 0 {
		w.Errorf("%d commits of release 2: the kill came too late to prove anything", n)
	}
	w.start()
	w.eventually("the image of release 2", patience, func() bool { return len(w.commits("mnist: release 2 is ")) > 0 })
	searches, releases, built := len(w.runs("kind:matrix")), len(w.commits("mnist: release 2, ")), len(w.list(workflows(), ""))
	if searches != 2 || releases != 1 || built != 2 {
		w.Errorf("I1, I2: after two kills there are %d searches, %d commits of release 2, %d Workflows; not 2, 1, 2", searches, releases, built)
	}
	digest := strings.TrimPrefix(w.commits("mnist: release 2 is ")[0].Subject, "mnist: release 2 is registry.example/mnist@")
	w.available(stack.NamespaceStaging, digest)
}

// lost trains once more, and the reply to the create is lost: the run is looked up and adopted, never submitted again.
func lost(w *world) {
	w.counter.Lose(stack.Call{Method: "POST", Path: "/api/v1/default/trefoil/runs"})
	w.push("mnist: train a third time", "revision: 2", "revision: 3")
	w.eventually("the log says that the outcome is not known", time.Minute, func() bool {
		return strings.Contains(w.log(), "may have been created or not")
	})
	w.eventually("the image of release 3", patience, func() bool { return len(w.commits("mnist: release 3 is ")) > 0 })
	if searches, releases := len(w.runs("kind:matrix")), len(w.commits("mnist: release 3, ")); searches != 3 || releases != 1 {
		w.Errorf("I1: after a lost reply there are %d searches and %d commits of release 3, not 3 and 1", searches, releases)
	}
	w.available(stack.NamespaceStaging, strings.TrimPrefix(w.commits("mnist: release 3 is ")[0].Subject, "mnist: release 3 is registry.example/mnist@"))
}

// mistyped breaks the only model: nothing that runs is touched, and log and status say where.
func mistyped(w *world) {
	before := len(w.writes())
	w.push("mnist: a typo", "metric:", "metrik:")
	where := regexp.MustCompile(`models\.cue:\d+:\d+: error TRF\d+: .*metrik`)
	w.eventually("the log names the place", time.Minute, func() bool { return where.MatchString(w.log()) })
	if out, _ := w.trefoil("status"); !where.MatchString(out) {
		w.Errorf("status says\n%s", out)
	}
	if out, code := w.trefoil("plan", "--live"); code != 3 {
		w.Errorf("plan --live ends with %d, not 3, and says\n%s", code, out)
	}
	if writes := w.writes()[before:]; len(writes) != 0 {
		w.Errorf("I4, I9: a typo made the daemon write %+v", writes)
	}
	w.push("mnist: no typo", "metrik:", "metric:")
}

// unreachable ends Polyaxon for a while: the daemon says so in one line, and nothing else stops.
func unreachable(w *world) {
	before, said := len(w.writes()), len(w.log())
	w.polyaxon.Stop()
	w.push("mnist: two replicas", "serve: {", "serve: {\n\t\tstaging: replicas: 2")
	w.eventually("staging is updated", time.Minute, func() bool { return len(w.writes()) > before })
	w.eventually("the log says that Polyaxon is down", time.Minute, func() bool { return strings.Contains(w.log()[said:], "hold: polyaxon: ") })
	time.Sleep(5 * time.Second)
	if n := strings.Count(w.log()[said:], "hold: polyaxon: "); n > 2 { // no reply, and half of one to what was under way
		w.Errorf("the log has %d lines about Polyaxon being down, not one:\n%s", n, w.log()[said:])
	}
	w.must(w.polyaxon.Restart(w.Context()))
	if writes := w.writes()[before:]; len(writes) != 1 || writes[0].Namespace != stack.NamespaceStaging {
		w.Errorf("two replicas made the daemon write %+v", writes)
	}
	if n := len(w.runs("kind:matrix")); n != 3 {
		w.Errorf("%d searches, not 3", n)
	}
}

// stopped ends the daemon by SIGTERM.
func stopped(w *world) {
	w.must(w.daemon.Process.Signal(syscall.SIGTERM))
	begin := time.Now()
	if err := w.daemon.Wait(); err != nil || time.Since(begin) > 30*time.Second {
		w.Errorf("SIGTERM: %v after %s", err, time.Since(begin))
	}
}
