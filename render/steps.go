package render

import (
	_ "embed"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

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
	registryCA     = "/registry-ca"
)

// storePath is where the claim with the artifacts of experiments is, in the one container that needs it.
const storePath = "/store"

// The scripts take everything from the environment: nothing that people wrote becomes part of their text.
var (
	//go:embed scripts/token.sh
	tokenScript string // goes before fetchScript
	//go:embed scripts/fetch.sh
	fetchScript string
	//go:embed scripts/claim.sh
	claimScript string
	//go:embed scripts/check.sh
	checkScript string // goes after fetchScript and claimScript
	//go:embed scripts/login.sh
	loginScript string // goes before sourceScript
	//go:embed scripts/source.sh
	sourceScript string
	//go:embed scripts/place.sh
	placeScript string // goes after sourceScript
	//go:embed scripts/s2i.sh
	s2iScript string
	//go:embed scripts/push.sh
	pushScript string // goes before buildahScript and buildkitScript
	//go:embed scripts/buildah.sh
	buildahScript string
	//go:embed scripts/buildkit.sh
	buildkitScript string
)

// template is the pod. Its containers need no privileges and no docker socket, but the seccomp profile Unconfined, which is
// Kubernetes' default. All run as root, but for BuildKit.
func template(model string, p schema.Package, r schema.Release, s Settings, image string) map[string]any {
	init := []any{fetch(r, s)}
	if p.Claim != nil {
		init = []any{claim(*p.Claim, r, s)}
	}
	code, found := s.checkout(p.Source, r.Commit)
	if found {
		init = append(init, source(code, r.Artifact.Path, p.Builder.Dockerfile, s, s.login(code, p) != ""))
	}
	dockerfile := path.Join(contextPath, p.Builder.Dockerfile)
	if p.Builder.S2I != "" {
		dockerfile = "/workspace/Dockerfile"
		init = append(init, s2i(p.Builder, dockerfile, s))
	}
	return map[string]any{
		"name":           "package",
		"retryStrategy":  retries(),
		"initContainers": init,
		"container":      build(p, s, image, dockerfile, lined(notes(model, r, code))),
		"outputs": map[string]any{"parameters": []any{map[string]any{
			"name":       "digest",
			"globalName": OutputDigest,
			"valueFrom":  map[string]any{"path": digestFile},
		}}},
	}
}

// retries tries a pod again that is not to blame: its node is gone or in need, somebody deleted it, or a step ended with the exit code
// of what passes by itself (EX_TEMPFAIL, 75), or by a signal that the kernel did not send for want of memory. The pauses are half an hour
// in all: with the minutes for which a step asks by itself that is about the hour that a package has unless it says otherwise. Argo pauses
// before it looks whether it tries again at all: a longer first pause would keep what failed for good from being told.
func retries() map[string]any {
	return map[string]any{
		"limit":       int64(6),
		"retryPolicy": "Always",
		"backoff":     map[string]any{"duration": "5s", "factor": int64(3)},
		"expression":  "lastRetry.message matches '" + passing + "'",
	}
}

// passing begins what Argo says of such pods: words of its own, of the kubelet and of the controllers of nodes. The log of a step comes
// after the name of that. Of an init container that a signal ended Argo only says that the next one did not start. Its own program is
// written in Go and the first process of the container: SIGTERM ends it with the exit code 2 as long as it does not handle that. Of main
// nothing else ends so (push.sh).
const passing = "^(pod deleted|pod failed: |Pod failed before |[a-z0-9-]+: Error [(]exit code (75|137|143)[)]|main: Error [(]exit code 2[)]|" +
	"The node was low on |The node had condition|Pod was terminated in response to imminent node shutdown|Pod was rejected: |" +
	"Node [^ ]+ which was running pod|Preempted )"

func fetch(r schema.Release, s Settings) map[string]any {
	script, env := fetchScript+checkScript, []string{
		"ARTIFACT_URL", artifactURL(r, s.Polyaxon),
		"ARTIFACT_SHA256", r.Artifact.SHA256,
		"ARTIFACT", artifactFile,
		"RETRY_SECONDS", "5",
	}
	if s.Workflows.PolyaxonToken == "" {
		return step("fetch", s.Workflows.Images.Fetch, script, env...)
	}
	c := step("fetch", s.Workflows.Images.Fetch, tokenScript+script, append(env, "TOKEN", polyaxonSecret+"/token")...)
	return mounting(c, readOnly("polyaxon-token", polyaxonSecret))
}

// claim takes the artifact from a claim, in the place of fetch.
func claim(from schema.Claim, r schema.Release, s Settings) map[string]any {
	c := step("fetch", s.Workflows.Images.Fetch, claimScript+checkScript,
		"CLAIM", from.Name,
		"STORE", path.Join(storePath, from.Path),
		"EXPERIMENT", r.Experiment,
		"ARTIFACT_PATH", r.Artifact.Path,
		"ARTIFACT_SHA256", r.Artifact.SHA256,
		"ARTIFACT", artifactFile)
	return mounting(c, readOnly("store", storePath))
}

// artifactURL is where Polyaxon serves the artifact; which namespace it names does not matter there. Without force it may serve an
// old copy of the file.
func artifactURL(r schema.Release, p Polyaxon) string {
	file := url.Values{"path": {path.Join("outputs", r.Artifact.Path)}, "force": {"true"}}
	return fmt.Sprintf("%s/streams/v1/polyaxon/%s/%s/runs/%s/artifact?%s",
		p.URL, url.PathEscape(p.Owner), url.PathEscape(p.Project), url.PathEscape(r.Experiment), file.Encode())
}

func source(c checkout, artifact, dockerfile string, s Settings, login bool) map[string]any {
	script, env := sourceScript+placeScript, []string{
		"REPOSITORY", c.url,
		"COMMIT", c.commit,
		"FOLDER", c.folder,
		"GIT_DIR", "/workspace/git",
		"ARTIFACT", artifactFile,
		"ARTIFACT_PATH", artifact,
		"CONTEXT", contextPath,
		"DOCKERFILE", dockerfile,
		"RETRY_SECONDS", "5",
	}
	if !login {
		return step("source", s.Workflows.Images.Git, script, env...)
	}
	container := step("source", s.Workflows.Images.Git, loginScript+script, append(env, "CREDENTIALS", gitSecret)...)
	return mounting(container, readOnly("git-credentials", gitSecret))
}

// login is the Secret with which git fetches a checkout; empty for none. That of the spec repository is for no other.
func (s Settings) login(c checkout, p schema.Package) string {
	if c.specs {
		return s.Workflows.GitCredentials
	}
	return p.GitCredentials
}

func s2i(b schema.Builder, dockerfile string, s Settings) map[string]any {
	return step("dockerfile", s.Workflows.Images.Build, s2iScript,
		"CONTEXT", contextPath,
		"BUILDER_IMAGE", b.S2I,
		"THEN", b.Dockerfile,
		"DOCKERFILE", dockerfile)
}

func build(p schema.Package, s Settings, image, dockerfile, notes string) map[string]any {
	env := []string{
		"CONTEXT", contextPath,
		"DOCKERFILE", dockerfile,
		"IMAGE", image,
		"NOTES", notes,
		"DIGEST", digestFile,
		"STORAGE", storagePath,
		"HOME", storagePath,
		"RETRY_SECONDS", "15",
		"REGISTRY", registryOf(p.Image),
	}
	mounts := []any{mount("storage", storagePath)}
	if p.Credentials != "" {
		env = append(env, "REGISTRY_AUTH_FILE", registrySecret+"/config.json", "DOCKER_CONFIG", registrySecret) // buildah's, and BuildKit's
		mounts = append(mounts, readOnly("credentials", registrySecret))
	}
	if p.Registry.HTTP {
		env = append(env, "REGISTRY_HTTP", "true")
	}
	if p.Registry.CA != nil {
		env = append(env, "REGISTRY_CA", registryCA+"/ca.crt")
		mounts = append(mounts, readOnly("registry-ca", registryCA))
	}
	c := mounting(builder(p.Builder, s, env), mounts...)
	if section, found := resources(p.Resources); found {
		c["resources"] = section
	}
	return c
}

// registryOf is the host that an image is pushed to, with its port.
func registryOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// builder is the container that builds and pushes. BuildKit makes a user namespace of its own, and refuses to be root in the one around it.
func builder(b schema.Builder, s Settings, env []string) map[string]any {
	if !b.BuildKit {
		return container("main", s.Workflows.Images.Build, pushScript+buildahScript, append(env, "BUILDAH_ISOLATION", "chroot", "STORAGE_DRIVER", "vfs")...)
	}
	c := container("main", s.Workflows.Images.BuildKit, pushScript+buildkitScript, env...)
	c["securityContext"] = map[string]any{"runAsUser": int64(1000), "runAsGroup": int64(1000), "runAsNonRoot": true}
	return c
}
