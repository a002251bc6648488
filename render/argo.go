package render

import (
	"cmp"
	"maps"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// OutputDigest is the global output parameter of a Workflow that holds the digest of the pushed image, "sha256:...". Only
// that of a Workflow that Succeeded counts: a failed one lists it without a value.
const OutputDigest = "image-digest"

// buildTimeout limits a build whose package has no time-out.
const buildTimeout = time.Hour

// NewWorkflow is the Argo Workflow that packages a release, in one pod: it fetches the artifact and checks its sha256, takes
// the serving source at the release's commit, builds and pushes. It is created once and never updated: its name says what
// goes in (package digest, experiment, artifact, attempt), so an equal build has an equal name. A model without a package
// has none; asked for it all the same, NewWorkflow renders one that fails.
func NewWorkflow(m schema.Model, r schema.Release, s Settings) Object {
	p := m.Package
	if p == nil {
		p = &schema.Package{}
	}
	id, ref := BuildDigest(r, p.Attempt), WorkflowRef(m.Name, BuildDigest(r, p.Attempt).Short(), s)
	body := workflow(m, *p, r, s, id, ref)
	merge(body, p.Argo)
	return Object{Ref: ref, Model: m.Name, Digest: id, Body: body}
}

// WorkflowRef is the name of the Workflow that packages a release of a model: id is its digest, shortened.
func WorkflowRef(model, id string, s Settings) Ref {
	return Ref{Kind: Workflow, Namespace: s.Workflows.Namespace, Name: model + "-pkg-" + id}
}

// workflow is what Trefoil itself says of a Workflow.
func workflow(m schema.Model, p schema.Package, r schema.Release, s Settings, id schema.Digest, ref Ref) map[string]any {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = buildTimeout
	}
	spec := map[string]any{
		"entrypoint":            "package",
		"activeDeadlineSeconds": seconds(timeout),
		"templates":             []any{template(m.Name, p, r, s, p.Image+":"+id.Short())},
		"volumes":               volumes(p, r, s),
	}
	if account := cmp.Or(p.ServiceAccount, s.Workflows.ServiceAccount); account != "" {
		spec["serviceAccountName"] = account
	}
	spec["podMetadata"] = map[string]any{"labels": s.labels(m.Name, m.Labels)} // by which the daemon sees why a pod does not start
	labels := maps.Clone(m.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[LabelRelease] = strconv.Itoa(r.Number)
	metadata := s.metadata(ref, m.Name, id, labels)
	metadata["annotations"] = map[string]any{
		AnnotationDigest: string(id), AnnotationImage: p.Image, AnnotationAttempt: strconv.Itoa(p.Attempt),
	}
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Workflow",
		"metadata":   metadata,
		"spec":       spec,
	}
}

// BuildDigest is the digest of the Workflow that packages a release, of its package digest, experiment, artifact and the attempt.
// By it a Workflow is known as the build of a release, whatever its labels say.
func BuildDigest(r schema.Release, attempt int) schema.Digest {
	return digest([]any{string(r.Answers.Package), r.Experiment, r.Artifact.Path, r.Artifact.SHA256, int64(attempt)})
}
