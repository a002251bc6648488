package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
)

// build is what a packaging Workflow asks for. Its containers are told by their environment, and so is this.
type build struct {
	experiment, path, sha256 string // of the artifact; the path is in the experiment's outputs, and in the image's folder
	url, commit, folder      string // of the serving source; empty where there is none
	repository, tag          string
	plain                    string            // the registry that is spoken to without TLS; empty for none
	notes                    map[string]string // about the image
}

// build reads the Workflow.
func (r record) build() (build, error) {
	var body struct {
		Spec struct {
			Templates []struct {
				InitContainers []step
				Container      step
			}
		}
	}
	if err := r.decode(r.Body, &body); err != nil {
		return build{}, err
	}
	env := map[string]string{}
	for _, t := range body.Spec.Templates {
		for _, s := range append(t.InitContainers, t.Container) {
			for _, v := range s.Env {
				env[v.Name] = strings.ReplaceAll(v.Value, "$$", "$") // as the kubelet does; no variable stands in another
			}
		}
	}
	b := build{
		sha256: env["ARTIFACT_SHA256"], url: env["REPOSITORY"], commit: env["COMMIT"],
		folder: env["FOLDER"], notes: map[string]string{},
	}
	for line := range strings.SplitSeq(env["NOTES"], "\n") {
		if key, value, found := strings.Cut(line, "="); found {
			b.notes[key] = value
		}
	}
	b.experiment, b.path = b.notes[render.AnnotationExperiment], env["ARTIFACT_PATH"]
	b.repository, b.tag, _ = cutLast(env["IMAGE"], ":")
	if env["REGISTRY_HTTP"] != "" {
		b.plain = env["REGISTRY"]
	}
	return b, nil
}

type step struct {
	Env []struct{ Name, Value string }
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// runWorkflow packages a release.
func (e *Engine) runWorkflow(ctx context.Context, r record) {
	digest, err := e.pack(ctx, r)
	switch {
	case errors.Is(context.Cause(ctx), errStopped), ctx.Err() != nil: // it is gone, or is done again by the next process
	case err != nil:
		e.fail(ctx, r, err)
	default:
		e.until(ctx, "the image of "+r.ref().String(), func() error {
			return e.set(r, func(r *record) bool {
				r.Phase, r.Message, r.Ended, r.Image = plan.Succeeded, "", e.now(), digest
				return true
			})
		})
	}
}

// pack makes the image of a Workflow and returns its name by digest.
func (e *Engine) pack(ctx context.Context, r record) (string, error) {
	b, err := r.build()
	if err != nil {
		return "", err
	}
	x, err := e.find(b.experiment)
	if err != nil {
		return "", err
	}
	made, err := x.read()
	if err != nil {
		return "", err
	}
	work := filepath.Join(e.options.Dir, "code", r.UID)
	defer func() { _ = os.RemoveAll(work) }() // else the next build of it does
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o700)); err != nil {
		return "", err
	}
	if b.url != "" {
		if err := e.checkout(ctx, b.url, b.commit, b.folder, work); err != nil {
			return "", err
		}
	}
	artifact, err := e.artifact(ctx, x, b)
	if err != nil {
		return "", err
	}
	return e.image(ctx, b, content{source: work, artifact: artifact, created: made.Ended.Truncate(time.Second)})
}

// artifact is the experiment's file, checked to be the one that was selected.
func (e *Engine) artifact(ctx context.Context, x place, b build) (string, error) {
	sum, err := x.sum(ctx, b.path)
	if err != nil {
		return "", err
	}
	if sum != b.sha256 {
		return "", fmt.Errorf("%s of experiment %.8s has another sha256 than the release: %.8s, not %.8s; it was changed since it was selected",
			b.path, x.uid, sum, b.sha256)
	}
	return filepath.Join(x.outputs(), filepath.FromSlash(path.Clean(b.path))), nil
}
