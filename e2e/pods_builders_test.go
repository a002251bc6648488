//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// built is a model of testdata/builders, its image, and the Workflows that build it again.
type built struct{ name, registry, digest, again, confined string }

func (b built) image() string { return b.registry + "/" + b.name + "@" + b.digest }

// builders are the models of testdata/builders, and a person with a clone of their specs.
type builders struct {
	*world
	person *laptop
	models []*built
}

// TestPodsBuilders packages one folder, laid out as the article's, with each builder, in a namespace that enforces the level of Pod
// Security which docs/packaging.md says they need: the images say where they come from, answer, and are the same when they are built
// again.
func TestPodsBuilders(t *testing.T) {
	python := trainingPython(t) // while there is a network
	stack.Isolate(t, func() {
		b := newBuilders(podsWorld(t))
		b.start()
		for _, step := range []struct {
			name string
			run  func(builders)
		}{
			{"build", builders.build},
			{"notes", builders.notes},
			{"again", func(b builders) { b.kill(); b.buildAgain(); b.buildConfined() }}, // the daemon has no use for these
			{"answer", func(b builders) { b.answer(digits(b.world, python)) }},
			{"same", builders.same},
			{"confined", builders.confined},
			{"levels", builders.levels},
		} {
			if !b.step(step.name, func(w *world) { step.run(b.in(w)) }) {
				return // the steps after it build on it
			}
		}
	})
}

// in are the builders in a test of its own.
func (b builders) in(w *world) builders {
	person := *b.person
	person.T = w.T
	return builders{w, &person, b.models}
}

// newBuilders makes the cluster as docs/packaging.md has it, pushes the specs and clones them.
func newBuilders(w *world) builders {
	w.Helper()
	person := &laptop{T: w.T, ctx: w.Context(), dir: filepath.Join(w.TempDir(), "clone"), binary: w.binary}
	b := builders{w, person, []*built{
		{name: "by-buildah", registry: stack.RegistryTLSAddress},
		{name: "by-buildkit", registry: stack.RegistryTLSAddress},
		{name: "by-s2i", registry: stack.RegistryAddress},
	}}
	w.must(w.stack.Kube.Apply(w.Context(), fmt.Appendf(nil, `
apiVersion: v1
kind: Namespace
metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: baseline}}
`, stack.NamespaceWorkflows)))
	_, err := w.git.Seed(w.Context(), "mnist", "../examples/mnist")
	w.must(err)
	_, err = w.git.Push(w.Context(), "each builder", func(dir string) error {
		return errors.Join(os.Remove(filepath.Join(dir, "models.cue")), os.CopyFS(dir, os.DirFS("testdata/builders")))
	})
	w.must(err)
	b.prepare()
	return b
}

// prepare gives the person a clone and a login, and does what docs/packaging.md says in a shell.
func (b builders) prepare() {
	b.Helper()
	const user, password = "trefoil", "open sesame"
	b.must(b.stack.ServeRegistryTLS(user, password))
	login := b.TempDir()
	b.must(os.WriteFile(filepath.Join(login, "config.json"), fmt.Appendf(nil, `{"auths": {%q: {"username": %q, "password": %q}}}`,
		stack.RegistryTLSAddress, user, password), 0o600))
	ca := b.stack.CAFile()
	b.person.at(b.stack, "TREFOIL_CONFIG="+b.config, "PASSWORD="+password, "DOCKER_CONFIG="+login, "SSL_CERT_FILE="+ca, "GIT_SSL_CAINFO="+ca)
	b.person.command(".", "git", "clone", "--quiet", b.git.URL(), b.person.dir)
	b.must(os.Symlink(ca, filepath.Join(b.person.dir, "ca.crt")))
	for _, lines := range packagingPage(b.T, "sh") {
		b.person.sh(strings.ReplaceAll(lines, "registry.example:5000", stack.RegistryTLSAddress))
	}
	b.claim()
}

// claim makes the claim of docs/packaging.md, and the volume that it asks for: Polyaxon's store, which is on the node here.
func (b builders) claim() {
	b.Helper()
	blocks := packagingPage(b.T, "yaml")
	shown := slices.IndexFunc(blocks, func(text string) bool { return strings.Contains(text, "kind: PersistentVolumeClaim\n") })
	if shown < 0 {
		b.Fatal("docs/packaging.md shows no claim")
	}
	b.must(b.stack.Kube.Apply(b.Context(), fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolume
metadata: {name: polyaxon-artifacts-argo}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadOnlyMany]
  hostPath: {path: %q}
---
%s`, b.polyaxon.Store, blocks[shown])))
}

// build waits for the images, and for what is to serve them.
func (b builders) build() {
	for _, m := range b.models {
		prefix := m.name + ": release 1 is " + m.registry + "/" + m.name + "@"
		b.eventually("the commit of the image of "+m.name, 2*patience, func() bool {
			b.noFailure()
			for _, c := range b.commits(prefix) {
				_, after, _ := strings.Cut("\n"+c.Subject+"\n"+c.Body+"\n", "\n"+prefix)
				m.digest, _, _ = strings.Cut(after, "\n")
			}
			return m.digest != ""
		})
		b.Logf("%s is %s", m.name, m.digest)
	}
	b.eventually("all are to be served", patience, func() bool {
		return len(b.list(seldonDeployments(), stack.NamespaceStaging)) == len(b.models)
	})
}

// notes compares what the images say of themselves with git: in the registry, and as `trefoil why` says it.
func (b builders) notes() {
	b.person.git("pull", "--quiet")
	for _, m := range b.models {
		annotations, labels := b.said(m)
		selected, err := b.git.ReadFile(b.Context(), "selected/"+m.name+".cue")
		b.must(err)
		experiment, commit := quoted(selected, "experiment"), quoted(selected, "commit")
		for key, want := range map[string]string{
			"org.opencontainers.image.title": m.name, "org.opencontainers.image.version": "1",
			"org.opencontainers.image.source": b.git.URL(), "org.opencontainers.image.revision": commit,
			"org.opencontainers.image.created": "1970-01-01T00:00:00Z",
			"trefoil.dev/model":                m.name, "trefoil.dev/release": "1",
			"trefoil.dev/experiment": experiment, "trefoil.dev/commit": commit,
		} {
			if annotations[key] != want || labels[key] != want {
				b.Errorf("%s says %s=%q and %q, not %q", m.name, key, annotations[key], labels[key], want)
			}
		}
		want := fmt.Sprintf(`%s
  model       %s
  release     1
  experiment  %s
  decided on  %s
  code        %s at %s
git: release 1 of %s has it, served in staging; it is the latest; `, m.image(), m.name, experiment, commit, b.git.URL(), commit, m.name)
		if got := b.person.sh("trefoil why " + m.image()); !strings.HasPrefix(got, want) {
			b.Errorf("trefoil why says\n%s\nand not\n%s", got, want)
		}
	}
}

// quoted is the value of a field in what the daemon wrote of a release.
func quoted(selected, field string) string {
	_, after, _ := strings.Cut(selected, field+": \"")
	value, _, _ := strings.Cut(after, "\"")
	return value
}

// said are the annotations and labels of a model's image in the registry.
func (b builders) said(m *built) (annotations, labels map[string]string) {
	b.Helper()
	ref, err := name.NewDigest(stack.RegistryAddress+"/"+m.name+"@"+m.digest, name.Insecure) // it is one registry
	b.must(err)
	found, err := remote.Image(ref, remote.WithContext(b.Context()))
	b.must(err)
	manifest, err := found.Manifest()
	b.must(err)
	config, err := found.ConfigFile()
	b.must(err)
	return manifest.Annotations, config.Config.Labels
}

// answer asks each image for real digits, through its Service.
func (b builders) answer(all []digit) {
	for _, m := range b.models {
		b.await(seldonDeployments(), stack.NamespaceStaging, m.name, func(u *unstructured.Unstructured) bool {
			state, _, _ := unstructured.NestedString(u.Object, "status", "state")
			return state == "Available"
		})
		b.readBy(m.name, m.image(), all)
	}
}
