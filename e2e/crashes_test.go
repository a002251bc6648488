//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// deaths is how often the daemon dies at each point.
const deaths = 3

// crash is a point where the daemon dies: at a request that a model sends on its way.
type crash struct {
	point   string
	at      place
	matches func(model string) match
	fates   [deaths]fate
}

// TestCrashes kills the daemon at the six worst points, three times each, while each time another model is on its way there. In the
// end each model has one search, one release, one build, and one commit for each (I1, I2, I3, I5).
func TestCrashes(t *testing.T) {
	t.Parallel()
	for i := range deaths {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) { crashesAll(t, i) })
	}
}

// crashesAll has one world go through each point once, each with the fate of that number.
func crashesAll(t *testing.T, death int) {
	w := quickWorld(t, map[string]string{"begin.cue": "models: begin: train: search: mapping: [{rate: 0.5}]"}, "")
	api, kubeconfig, err := w.stack.CountKube(stack.UserDaemon)
	w.must(err)
	t.Cleanup(func() { api.Close() })
	w.configureWith(w.git.URL(), w.counter.URL(), kubeconfig, "")
	models := []string{"begin"}
	for _, c := range crashes(w, api) {
		models = append(models, c.point)
		w.die(c.point, trap{c.at, c.matches(c.point), c.fates[death]})
	}
	w.start()
	w.eventually("all models are served", patience, func() bool {
		return !slices.ContainsFunc(models, func(m string) bool { return !w.serves("ml-staging", m, "1") })
	})
	w.settle()
	w.oneEach(models)
}

func crashes(w *world, api place) []crash {
	return []crash{
		{
			"claimed", api, // and nothing sent to Polyaxon
			func(model string) match { return created("configmaps", model+"-v1-") },
			[deaths]fate{carried, carried, late},
		},
		{
			"submitted", w.counter, // and the reply not read
			func(model string) match { return submitted(model + "-v1-") },
			[deaths]fate{carried, late, carried},
		},
		{
			"searched", w.counter, // and nothing committed; of whichever model is there first, as with the two after it
			func(string) match { return noted },
			[deaths]fate{carried, dropped, carried},
		},
		{
			"committed", w.git, // and not pushed
			func(string) match { return pushed },
			[deaths]fate{dropped, halved, dropped},
		},
		{
			"pushed", w.git, // and not told
			func(string) match { return pushed },
			[deaths]fate{carried, late, carried},
		},
		{
			"built", api, // the Workflow is there, and nobody told
			func(model string) match { return created("workflows", model+"-pkg-v1-") },
			[deaths]fate{carried, late, carried},
		},
	}
}

// die adds a model, starts the daemon and waits until it is dead.
func (w *world) die(model string, t trap) {
	w.Helper()
	begin := time.Now()
	dead := w.set(t)
	w.write("add "+model, map[string]string{model + ".cue": fmt.Sprintf("models: %s: train: search: mapping: [{rate: 0.5}, {rate: 0.6}]", model)})
	w.start()
	w.eventually("the death at "+model, patience, func() bool {
		select {
		case <-dead:
			return true
		default:
			return false
		}
	})
	t.at.Filter(nil)
	w.Logf("dead at %s after %.1f s", model, time.Since(begin).Seconds())
}

// oneEach checks that each model got one of everything.
func (w *world) oneEach(models []string) {
	w.Helper()
	searches := map[string]int{}
	for _, r := range w.runs("kind:matrix") {
		name, _, _ := strings.Cut(r.Name, "-v1-")
		searches[name]++
	}
	builds := map[string]int{}
	for _, u := range w.list(workflows(), "") {
		builds[u.GetLabels()["trefoil.dev/model"]]++
	}
	said := map[string]int{}
	for _, c := range w.commits("") {
		for line := range strings.SplitSeq(c.Subject+"\n"+c.Body, "\n") {
			before, _, _ := strings.Cut(line, " registry.example/")
			before, _, _ = strings.Cut(before, ", experiment ")
			said[before]++
		}
		if c.Parents > 1 || c.Author == "Trefoil" && slices.ContainsFunc(c.Files, func(f string) bool { return !strings.HasPrefix(f, "selected/") }) {
			w.Errorf("I3: %+v", c)
		}
	}
	for _, m := range models {
		if n, b, r, i := searches[m], builds[m], said[m+": release 1"], said[m+": release 1 is"]; n != 1 || b != 1 || r != 1 || i != 1 {
			w.Errorf("I1, I2: %s has %d searches, %d Workflows, %d commits of its release and %d of its image; not one of each", m, n, b, r, i)
		}
	}
	if len(searches) != len(models) || len(builds) != len(models) {
		w.Errorf("there are searches %v and builds %v of %d models", searches, builds, len(models))
	}
	if n, want := w.agent.Begun(), 2*len(models)-1; n != want {
		w.Errorf("I1: %d experiments were started, not %d", n, want)
	}
	if moves, left, err := w.git.Moves(w.Context()); err != nil || len(left) > 0 || moves != len(w.commits("")) {
		w.Errorf("I3: the branch moved %d times, left %v behind: %v", moves, left, err)
	}
	w.claimed()
}

// claimed checks that each claim names the run of its search.
func (w *world) claimed() {
	w.Helper()
	runs := map[string]string{}
	for _, r := range w.runs("kind:matrix") {
		runs[r.Name] = r.UUID
	}
	for _, u := range w.list(configMaps(), stack.NamespaceWorkflows) {
		data, _, _ := unstructured.NestedStringMap(u.Object, "data")
		if u.GetLabels()["trefoil.dev/model"] != "" && data["run"] != runs[u.GetName()] {
			w.Errorf("I1: claim %s names run %q, the run is %q", u.GetName(), data["run"], runs[u.GetName()])
		}
	}
}
