package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/schema"
)

// told is what a command says, with the digests and the registry's address called by their names, and its exit code.
type told struct{ out, err string }

// why runs `trefoil why` on an image with these labels, in a folder of specs whose releases have it where they say DIGEST.
func why(t *testing.T, specs string, labels map[string]string, more ...string) (told, int) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	img, err := mutate.Config(empty.Image, v1.Config{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(host + "/mnist:v1-1f2e")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range map[string]string{"models.cue": whyModels, "selected/mnist.cue": specs} {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIGEST", digest.String())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, wrong strings.Builder
	a := &app{out: &out, err: &wrong, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	code := a.run(context.Background(), append([]string{"why", "-C", dir, tag.String()}, more...))
	named := strings.NewReplacer(digest.String(), "DIGEST", host, "REGISTRY")
	return told{named.Replace(out.String()), named.Replace(wrong.String())}, code
}

const (
	whyModels = `package models

models: mnist: {
	train: {
		image: "python:3.12"
		command: ["run"]
		search: grid: {}
		search: matrix: lr: choice: [1]
		artifact: "model.dat"
	}
	select: {metric: "accuracy", goal: "maximize"}
	package: {image: "registry.example/mnist", source: git: {url: "https://git.example.com/serve.git", commit: "` + whyCommit + `"}}
	serve: {production: {namespace: "ml", release: 2}, staging: namespace: "ml-staging"}
}
`
	whyCommit     = "0123456789abcdef0123456789abcdef01234567"
	whyExperiment = "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"
	whySelected   = `package models

selected: mnist: {latest: 3, last: 3}
selected: mnist: releases: {
	for n in ["1", "2", "3"] {
		(n): {
			answers: {search: "v1-1", select: "v1-2", package: "v1-3"}
			experiment: "` + whyExperiment + `"
			metrics: {accuracy: 0.99, loss: 0.25}
			artifact: {path: "model.dat", sha256: "` + whyExperiment + whyExperiment + `"}
			commit: "` + whyCommit + `"
			if n != "1" {
				image: "registry.example/mnist@DIGEST"
			}
		}
	}
}
`
)

// whyLabels are those of an image that a Workflow built.
func whyLabels(experiment string) map[string]string {
	return map[string]string{
		"trefoil.dev/model": "mnist", "trefoil.dev/release": "2", "trefoil.dev/experiment": experiment, "trefoil.dev/commit": whyCommit,
		"org.opencontainers.image.source": "https://git.example.com/serve.git", "org.opencontainers.image.revision": whyCommit,
	}
}

func TestWhy(t *testing.T) {
	got, code := why(t, whySelected, whyLabels(whyExperiment))
	want := told{out: `REGISTRY/mnist@DIGEST
  model       mnist
  release     2
  experiment  f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2
  decided on  0123456789abcdef0123456789abcdef01234567
  code        https://git.example.com/serve.git at 0123456789abcdef0123456789abcdef01234567
git: release 2 of mnist has it, served in production; accuracy 0.99; loss 0.25
git: release 3 of mnist has it, served in staging; it is the latest; accuracy 0.99; loss 0.25
`}
	if code != 0 || got != want {
		t.Errorf("exit code %d: %s", code, cmp.Diff(want, got, cmp.AllowUnexported(told{})))
	}
	page, err := os.ReadFile("../../docs/packaging.md")
	shown := strings.ReplaceAll(got.out, "REGISTRY/mnist@", "registry.example/mnist@sha256:")
	if err != nil || !strings.Contains(string(page), shown) {
		t.Errorf("%v, docs/packaging.md shows something else than\n%s", err, shown)
	}
	got, code = why(t, whySelected, whyLabels(whyExperiment), "-o", "json")
	for _, part := range []string{`"format_version": 1`, `"experiment": "` + whyExperiment, `"latest": true`, `"production"`} {
		if !strings.Contains(got.out, part) || code != 0 {
			t.Errorf("exit code %d, %s is not in %s%s", code, part, got.out, got.err)
		}
	}
}

// TestWhyUnbelieved asks about images that say what git does not, nothing, or what a terminal would obey.
func TestWhyUnbelieved(t *testing.T) {
	got, code := why(t, strings.ReplaceAll(whySelected, "DIGEST", "sha256:"+whyExperiment+whyExperiment), whyLabels(whyExperiment))
	if code != 1 || got.err != "trefoil: no release of these specs has this image\n" || !strings.Contains(got.out, "  model       mnist\n") {
		t.Errorf("%d: %s%s", code, got.out, got.err)
	}
	got, code = why(t, whySelected, whyLabels("0000f1c2f1c2f1c2f1c2f1c2f1c2f1c2"))
	if code != 0 || !strings.Contains(got.out, "its experiment is "+whyExperiment+", and not the one that the image names") {
		t.Errorf("%d: %s%s", code, got.out, got.err)
	}
	got, _ = why(t, whySelected, map[string]string{"trefoil.dev/model": "mn\x1b[31mist\n  release  9"})
	if want := "  model       mn [31mist release 9\n  release     the image does not say\n"; !strings.Contains(got.out, want) {
		t.Errorf("%q", got.out)
	}
	if got, code := why(t, whySelected, nil, "more"); code != 1 || got.err != "trefoil: trefoil why takes one image, not 2\n" {
		t.Errorf("%d: %s", code, got.err)
	}
}

// TestWhyInvalid asks where the specs can't be read: then nobody knows which releases there are.
func TestWhyInvalid(t *testing.T) {
	got, code := why(t, "package models {\n", whyLabels(whyExperiment))
	want := "trefoil: the specs are invalid, so whether a release has this image is not known: mend them and ask again\n"
	if code != 3 || !strings.HasSuffix(got.err, want) || !strings.Contains(got.err, "selected/mnist.cue:1:16") {
		t.Errorf("%d: %s", code, got.err)
	}
	if !strings.Contains(got.out, "  model       mnist\n") {
		t.Errorf("what the image says is not in %s", got.out)
	}
}

// TestWhyRefused asks a registry whose refusals a terminal would obey.
func TestWhyRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "\x1b]0;owned\x07\x1b[2Jno\r\n"+strings.Repeat("at all ", 1000))
	}))
	defer server.Close()
	var out, wrong strings.Builder
	a := &app{out: &out, err: &wrong, env: func(string) (string, bool) { return "", false }, evaluate: schema.Evaluate}
	code := a.run(t.Context(), []string{"why", "-C", t.TempDir(), strings.TrimPrefix(server.URL, "http://") + "/mnist:1"})
	line, only := strings.CutSuffix(strings.TrimPrefix(wrong.String(), "trefoil: "), "\n")
	if code != 1 || !only || line != reconcile.Line(line) || !strings.Contains(line, "try `docker login ") {
		t.Errorf("%d: %q", code, wrong.String())
	}
}
