package render

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// OutputDigest is the global output parameter of a Workflow that holds the digest of the pushed image, "sha256:...". Only
// that of a Workflow that Succeeded counts: a failed one lists it without a value.
const OutputDigest = "image-digest"

// buildTimeout limits a build whose package has no time-out.
const buildTimeout = time.Hour

// Where the containers of the pod meet.
const (
	artifactFile = "/workspace/artifact"
	contextPath  = "/workspace/context"
	digestFile   = "/workspace/digest"
	storagePath  = "/storage"
)

// Where Secrets are, each in the one container that needs it.
const (
	registrySecret = "/credentials"
	gitSecret      = "/git-credentials"
	polyaxonSecret = "/polyaxon-token"
)

// The scripts take everything from the environment: nothing that people wrote becomes part of their text.
var (
	//go:embed scripts/token.sh
	tokenScript string // goes before fetchScript
	//go:embed scripts/fetch.sh
	fetchScript string
	//go:embed scripts/login.sh
	loginScript string // goes before sourceScript
	//go:embed scripts/source.sh
	sourceScript string
	//go:embed scripts/s2i.sh
	s2iScript string
	//go:embed scripts/build.sh
	buildScript string
)

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
		"templates":             []any{template(p, r, s, p.Image+":"+id.Short())},
		"volumes":               volumes(p, r, s),
	}
	if s.Workflows.ServiceAccount != "" {
		spec["serviceAccountName"] = s.Workflows.ServiceAccount
	}
	if len(m.Labels) > 0 {
		spec["podMetadata"] = map[string]any{"labels": fields(m.Labels)}
	}
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

// template is the pod. Its containers need no privileges and no docker socket, but root and the seccomp profile
// Unconfined, which is Kubernetes' default.
func template(p schema.Package, r schema.Release, s Settings, image string) map[string]any {
	init := []any{fetch(r, s)}
	if c, found := s.checkout(p.Source, r.Commit); found {
		init = append(init, source(c, s))
	}
	dockerfile := path.Join(contextPath, p.Builder.Dockerfile)
	if p.Builder.S2I != "" {
		dockerfile = "/workspace/Dockerfile"
		init = append(init, s2i(p.Builder.S2I, dockerfile, s))
	}
	return map[string]any{
		"name":           "package",
		"initContainers": init,
		"container":      build(p, r, s, image, dockerfile),
		"outputs": map[string]any{"parameters": []any{map[string]any{
			"name":       "digest",
			"globalName": OutputDigest,
			"valueFrom":  map[string]any{"path": digestFile},
		}}},
	}
}

func fetch(r schema.Release, s Settings) map[string]any {
	script, env := fetchScript, []string{
		"ARTIFACT_URL", artifactURL(r, s.Polyaxon),
		"ARTIFACT_SHA256", r.Artifact.SHA256,
		"ARTIFACT", artifactFile,
		"RETRY_SECONDS", "5",
	}
	if s.Workflows.PolyaxonToken == "" {
		return step("fetch", s.Workflows.Images.Fetch, script, env...)
	}
	c := step("fetch", s.Workflows.Images.Fetch, tokenScript+script, append(env, "TOKEN", polyaxonSecret+"/token")...)
	return withSecret(c, "polyaxon-token", polyaxonSecret)
}

// artifactURL is where Polyaxon serves the artifact; which namespace it names does not matter there. Without force it may serve an old copy of the file.
func artifactURL(r schema.Release, p Polyaxon) string {
	file := url.Values{"path": {path.Join("outputs", r.Artifact.Path)}, "force": {"true"}}
	return fmt.Sprintf("%s/streams/v1/polyaxon/%s/%s/runs/%s/artifact?%s",
		p.URL, url.PathEscape(p.Owner), url.PathEscape(p.Project), url.PathEscape(r.Experiment), file.Encode())
}

func source(c checkout, s Settings) map[string]any {
	script, env := sourceScript, []string{
		"REPOSITORY", c.url,
		"COMMIT", c.commit,
		"FOLDER", c.folder,
		"GIT_DIR", "/workspace/git",
		"CONTEXT", contextPath,
	}
	if !s.logsIn(c) {
		return step("source", s.Workflows.Images.Git, script, env...)
	}
	login := step("source", s.Workflows.Images.Git, loginScript+script, append(env, "CREDENTIALS", gitSecret)...)
	return withSecret(login, "git-credentials", gitSecret)
}

// logsIn reports whether git is given credentials for a checkout. They are those of the spec repository and of no other.
func (s Settings) logsIn(c checkout) bool { return s.Workflows.GitCredentials != "" && c.specs }

func s2i(builder, dockerfile string, s Settings) map[string]any {
	return step("dockerfile", s.Workflows.Images.Build, s2iScript,
		"CONTEXT", contextPath,
		"BUILDER_IMAGE", builder,
		"DOCKERFILE", dockerfile)
}

func build(p schema.Package, r schema.Release, s Settings, image, dockerfile string) map[string]any {
	env := []string{
		"CONTEXT", contextPath,
		"ARTIFACT", artifactFile,
		"ARTIFACT_PATH", r.Artifact.Path,
		"DOCKERFILE", dockerfile,
		"IMAGE", image,
		"DIGEST", digestFile,
		"STORAGE", storagePath,
		"HOME", storagePath,
		"BUILDAH_ISOLATION", "chroot",
		"STORAGE_DRIVER", "vfs",
	}
	mounts := []any{mount("work", "/workspace"), mount("storage", storagePath)}
	if p.Credentials != "" {
		env = append(env, "REGISTRY_AUTH_FILE", registrySecret+"/config.json")
		mounts = append(mounts, mountSecret("credentials", registrySecret))
	}
	c := container("main", s.Workflows.Images.Build, buildScript, env...)
	c["volumeMounts"] = mounts
	if section, found := resources(p.Resources); found {
		c["resources"] = section
	}
	return c
}
