package reconcile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// saved plans with one loop and carries that plan out with another one; what meanwhile does comes in between.
func saved(t *testing.T, w *world, meanwhile func()) (reconcile.Pass, error) {
	t.Helper()
	pass, err := w.loop().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := plan.Save(pass.Plan, pass.Revision)
	meanwhile()
	o := w.loop().Options
	o.Saved = &s
	return reconcile.New(o).Once(t.Context())
}

// TestSaved carries out exactly what was written down.
func TestSaved(t *testing.T) {
	w := newWorld(t, models)
	w.pass() // the search is created
	w.pass() // its artifact is looked at
	pass, err := saved(t, w, func() {})
	if err != nil || pass.Done != 1 || len(pass.Gone) != 0 || len(w.source.Log()) != 2 {
		t.Errorf("the release: %+v, %v, %q", pass, err, w.source.Log())
	}
}

// TestSavedOldRevision refuses a plan that was made on another commit, and changes nothing.
func TestSavedOldRevision(t *testing.T) {
	w := newWorld(t, models)
	_, err := saved(t, w, func() { w.source.Push("a comment", map[string][]byte{"models.cue": []byte(models + "// later\n")}) })
	if err == nil || !strings.Contains(err.Error(), "plan again") || len(w.searches.Writes)+len(w.cluster.Writes) > 0 {
		t.Errorf("the error is %v, and %q %q was written", err, w.searches.Writes, w.cluster.Writes)
	}
}

// TestSavedStale does what is still to be done of a plan, and names what is not.
func TestSavedStale(t *testing.T) {
	w := newWorld(t, models+"models: faces: owner: \"vision@example.com\"\n")
	for range 6 {
		w.pass()
	}
	w.source.Push("replicas", map[string][]byte{"models.cue": []byte(models + "models: faces: serve: staging: replicas: 2\nmodels: mnist: serve: staging: replicas: 2\n")})
	pass, err := saved(t, w, func() { // a person deletes what was to be updated
		w.cluster.Delete(func(o plan.Observed) bool { return o.Ref.Kind == render.SeldonDeployment && o.Model == "mnist" })
	})
	if err != nil || pass.Done != 1 {
		t.Fatalf("%d actions were carried out, %v", pass.Done, err)
	}
	want := []string{"mnist/staging: update: release 1 as SeldonDeployment ml-staging/mnist"}
	if d := cmp.Diff(want, pass.Gone); d != "" {
		t.Errorf("what is gone (-want +got)\n%s", d)
	}
}
