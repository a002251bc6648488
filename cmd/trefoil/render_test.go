package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/render"
)

// TestFileOf: no name leads out of the folder, though the schema lets none of these through.
func TestFileOf(t *testing.T) {
	for _, o := range []render.Object{
		{}, {Model: ".."}, {Model: "."}, {Model: "a/../.."}, {Model: "/etc"}, {Model: `a\b`}, {Model: "c:"}, {Model: ".git"},
		{Model: "a", Environment: "../../b"}, {Model: "a", Environment: "/b"}, {Model: "a", Environment: `\b`},
	} {
		if file, err := fileOf(o); err == nil {
			t.Errorf("model %q, environment %q: %s", o.Model, o.Environment, file)
		}
	}
	o := render.Object{Ref: render.Ref{Kind: render.SeldonDeployment}, Model: "a", Environment: "b"}
	if file, err := fileOf(o); err != nil || file != "a/seldondeployment-b.yaml" {
		t.Errorf("%s, %v", file, err)
	}
}

// TestSplitInterrupted: after an interrupt no file is begun, and what is there says how far it came.
func TestSplitInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out strings.Builder
	a := &app{out: &out}
	dir := t.TempDir()
	err := a.split(ctx, dir, []render.Object{{Ref: render.Ref{Kind: render.Search}, Model: "a"}}, true)
	if err == nil || !strings.Contains(err.Error(), "run it again") || !strings.Contains(out.String(), "0 files written") {
		t.Errorf("%v; %s", err, out.String())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
	if err := a.split(t.Context(), dir, []render.Object{{Ref: render.Ref{Kind: render.Search}, Model: "a"}}, true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "search.yaml")); err != nil {
		t.Error(err)
	}
}
