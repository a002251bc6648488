package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestCompareAsks is about what is asked of the server, and what is made of answers without a live object.
func TestCompareAsks(t *testing.T) {
	const (
		post   = "POST fieldManager=trefoil-models dryRun=All"
		create = "PATCH fieldManager=trefoil-models force=false dryRun=All at 1"
		change = "PATCH fieldManager=trefoil-models force=true dryRun=All"
	)
	sdep := liveObject(render.SeldonDeployment, digestB, testOwner, "")
	build := liveObject(render.Workflow, digestA, testOwner, "")
	for _, test := range []struct {
		name    string
		kind    render.Kind
		answers []any
		asked   []string
		fresh   bool
		note    string
		want    error
	}{
		{"new", render.SeldonDeployment, []any{absent, sdep}, []string{"GET", create}, true, "", nil},
		{"there", render.SeldonDeployment, []any{sdep, sdep}, []string{"GET", change}, false, "", nil},
		{"new build", render.Workflow, []any{absent, build}, []string{"GET", post}, true, "", nil},
		{"old build", render.Workflow, []any{build}, []string{"GET"}, false, "", nil},
		{"not ours", render.Workflow, []any{liveObject(render.Workflow, digestA, "other", "")}, []string{"GET"}, false, "", reconcile.ErrNotOurs},
		{"no namespace", render.SeldonDeployment, []any{absent, noNamespace}, []string{"GET", create}, true, "namespace ml does not exist", nil},
		{"namespace goes", render.Workflow, []any{absent, terminating()}, []string{"GET", post}, true, "namespace ml is being deleted", nil},
		{"no CRD", render.Workflow, []any{noResource, noResource}, []string{"GET", post}, true,
			"CRD workflows.argoproj.io, version v1alpha1, is not installed", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, s := scripted(t, test.answers...)
			r := e.Compare(t.Context(), []render.Object{wantedObject(test.kind, "")})[0]
			if !errors.Is(r.Err, test.want) || test.want == nil && r.Err != nil {
				t.Errorf("error %v, want %v", r.Err, test.want)
			}
			if r.New() != test.fresh || r.Note != test.note {
				t.Errorf("got %+v", r)
			}
			if diff := cmp.Diff(test.asked, s.asked); diff != "" {
				t.Errorf("-want +asked:\n%s", diff)
			}
		})
	}
}

// TestCompareRefused tells an error of the server.
func TestCompareRefused(t *testing.T) {
	e, _ := scripted(t, absent, denied)
	r := e.Compare(t.Context(), []render.Object{wantedObject(render.SeldonDeployment, "")})[0]
	if want := `diff SeldonDeployment ml/mnist: seldondeployments.machinelearning.seldon.io "mnist" is forbidden: no role`; fmt.Sprint(r.Err) != want {
		t.Errorf("got  %v\nwant %s", r.Err, want)
	}
}

// TestCompare compares live.yaml with git.yaml; where a server is asked it answers with dry-run.yaml. The file want is what came of it.
func TestCompare(t *testing.T) {
	files, err := filepath.Glob("testdata/compare/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := compared(t, archive)
			i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			switch {
			case i < 0 && !*update:
				t.Fatal("no file want; try go test -update")
			case i < 0:
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
				i = len(archive.Files) - 1
				fallthrough
			case *update:
				archive.Files[i].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[i].Data), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// compared is a case on an engine that has the live object.
func compared(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	var live, git, after *unstructured.Unstructured
	for _, f := range archive.Files {
		switch f.Name {
		case "live.yaml":
			live = parsed(t, f.Data)
		case "git.yaml":
			git = parsed(t, f.Data)
		case "dry-run.yaml":
			after = parsed(t, f.Data)
		}
	}
	var answers []any
	if after != nil {
		answers = []any{live.Object, after.Object}
	}
	e, s := scripted(t, answers...)
	e.whole = true
	object := wantedAs(git)
	served, err := resource(object.Ref.Kind)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.watches[served].informer.GetStore().Add(live); err != nil {
		t.Fatal(err)
	}
	r := e.Compare(t.Context(), []render.Object{object})[0]
	return fmt.Sprintf("asked %d times\n", len(s.asked)) + described(r)
}

// wantedAs is what git asks for, of a manifest.
func wantedAs(u *unstructured.Unstructured) render.Object {
	return render.Object{
		Ref:   render.Ref{Kind: render.Kind(u.GetKind()), Namespace: u.GetNamespace(), Name: u.GetName()},
		Model: u.GetLabels()[render.LabelModel], Digest: schema.Digest(u.GetAnnotations()[render.AnnotationDigest]), Body: u.Object,
	}
}

// described is a result as text.
func described(r compare.Result) string {
	var b strings.Builder
	if r.Err != nil {
		fmt.Fprintln(&b, "error", r.Err)
	}
	for _, f := range r.Fields {
		cause := "changed"
		if f.Cause != "" {
			cause = string(f.Cause)
		}
		fmt.Fprintf(&b, "%s %s: %v -> %v", cause, f.Path, f.Live, f.Git)
		if f.Manager != "" {
			fmt.Fprintf(&b, " (%s, %s)", f.Manager, stamp(f.Time))
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
