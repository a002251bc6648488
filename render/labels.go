package render

import "github.com/trefoil-gitops/trefoil/schema"

// Labels of every Kubernetes object that Trefoil makes. What lacks the first two is not ours and is never touched.
const (
	LabelManagedBy   = "app.kubernetes.io/managed-by" // always ManagedBy
	LabelRepository  = "trefoil.dev/repository"       // Settings.Owner
	LabelModel       = "trefoil.dev/model"
	LabelEnvironment = "trefoil.dev/environment" // only of a SeldonDeployment
	LabelRelease     = "trefoil.dev/release"     // the number of the release; of a SeldonDeployment and a Workflow
)

// AnnotationDigest carries Object.Digest in full. AnnotationImage and AnnotationAttempt are of a Workflow: the repository that it
// pushes to, and which attempt of its build it is.
const (
	AnnotationDigest  = "trefoil.dev/digest"
	AnnotationImage   = "trefoil.dev/image"
	AnnotationAttempt = "trefoil.dev/attempt"
)

// AnnotationExperiment and AnnotationCommit are of an image, as annotations of its manifest and labels of its configuration, like
// LabelModel and LabelRelease: the Polyaxon run that made the model, and the commit of the spec repository that the release was
// decided on.
const (
	AnnotationExperiment = "trefoil.dev/experiment"
	AnnotationCommit     = "trefoil.dev/commit"
)

// ManagedBy is the value of LabelManagedBy.
const ManagedBy = "trefoil"

// Selector is the label selector of everything in Kubernetes that belongs to this repository.
func (s Settings) Selector() string {
	return LabelManagedBy + "=" + ManagedBy + "," + LabelRepository + "=" + s.Owner
}

// metadata is that of an object with more labels than those that all of ours carry, which win.
func (s Settings) metadata(ref Ref, model string, digest schema.Digest, more map[string]string) map[string]any {
	return map[string]any{
		"name":        ref.Name,
		"namespace":   ref.Namespace,
		"labels":      s.labels(model, more),
		"annotations": map[string]any{AnnotationDigest: string(digest)},
	}
}

// labels are those by which an object of a model is known as ours, with more.
func (s Settings) labels(model string, more map[string]string) map[string]any {
	labels := fields(more)
	labels[LabelManagedBy] = ManagedBy
	labels[LabelRepository] = s.Owner
	labels[LabelModel] = model
	return labels
}
