//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// built is a model of testdata/builders, its image, and the Workflows that build it again.
type built struct {
	name, registry          string
	code, commit            string // the repository of its serving code; empty where that is the specs'
	digest, again, confined string
}

func (b built) image() string { return b.registry + "/" + b.name + "@" + b.digest }

// builders are the models of testdata/builders, and a person with a clone of their specs.
type builders struct {
	*world
	person *laptop
	models []*built
	logins []canary.Canary
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
			{"placed", builders.placed},
			{"notes", builders.notes},
			{"again", func(b builders) { b.kill(); b.buildAgain(); b.buildConfined() }}, // the daemon has no use for these
			{"answer", func(b builders) { b.answer(digits(b.world, python)) }},
			{"scripts", builders.scripts},
			{"scaled", builders.scaled},
			{"same", builders.same},
			{"confined", builders.confined},
			{"levels", builders.levels},
			{"secrets", builders.discreet},
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
	return builders{w, &person, b.models, b.logins}
}

// newBuilders makes the cluster as docs/packaging.md has it, pushes the specs and clones them.
func newBuilders(w *world) builders {
	w.Helper()
	serving, commit := servingCode(w)
	b := builders{world: w, models: []*built{
		{name: "by-buildah", registry: stack.RegistryTLSAddress},
		{name: "by-buildkit", registry: stack.RegistryTLSAddress, code: serving.URL(), commit: commit},
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
		source := fmt.Sprintf(`models: "by-buildkit": package: source: git: {url: %q, commit: %q}`, serving.URL(), commit)
		return errors.Join(os.Remove(filepath.Join(dir, "models.cue")), os.CopyFS(dir, os.DirFS("testdata/builders")),
			writeFiles(dir, map[string]string{"serving.cue": source}),
			lengthen(filepath.Join(dir, "serve-mnist", "requirements.txt"), "tomli\n"))
	})
	w.must(err)
	b.prepare(b.private(serving))
	return b
}

// prepare gives the person a clone and logins, and does what the docs say in a shell. Nodes are for builds alone.
func (b *builders) prepare(tokens string) {
	b.Helper()
	const user, password = "trefoil", "open sesame"
	ca, err := b.stack.ServeRegistryTLS(user, password)
	b.must(err)
	login := b.TempDir()
	b.must(os.WriteFile(filepath.Join(login, "config.json"), fmt.Appendf(nil, `{"auths": {%q: {"username": %q, "password": %q}}}`,
		stack.RegistryTLSAddress, user, password), 0o600))
	b.person = b.cloned("PASSWORD="+password, "DOCKER_CONFIG="+login, "SSL_CERT_DIR="+filepath.Dir(ca), "GIT_TOKEN="+filepath.Join(tokens, "git-token"),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=credential.helper",
		`GIT_CONFIG_VALUE_0=!login() { printf 'username=trefoil\npassword=%s\n' "$(cat "$GIT_TOKEN")"; }; login`)
	b.must(os.Symlink(ca, filepath.Join(b.person.dir, "ca.crt")))
	for _, lines := range shown(b.T, "packaging.md", "sh") {
		b.person.sh(strings.ReplaceAll(lines, "registry.example:5000", stack.RegistryTLSAddress))
	}
	b.secrets(tokens)
	b.person.sh("kubectl label nodes --all pool=builds && kubectl taint nodes --all builds=only:NoSchedule")
	b.claim()
}

// claim makes the claim of docs/packaging.md, and the volume that it asks for: Polyaxon's store, which is on the node here.
func (b builders) claim() {
	b.Helper()
	blocks := shown(b.T, "packaging.md", "yaml")
	at := slices.IndexFunc(blocks, func(text string) bool { return strings.Contains(text, "kind: PersistentVolumeClaim\n") })
	if at < 0 {
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
%s`, b.polyaxon.Store, blocks[at])))
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
	b.person.sh("kubectl taint nodes --all builds-") // the pods that serve tolerate nothing
}

// placed holds that a build went where its spec says, with what that gives it. That all tolerate the taint shows in that they ran.
func (b builders) placed() {
	workflow := b.workflowsOf("by-buildah")[0].GetName()
	const want = `{"pool":"builds"} {"limits":{"memory":"4Gi"},"requests":{"cpu":"100m","memory":"64Mi"}}`
	got := b.person.sh("kubectl -n argo get pods -l workflows.argoproj.io/workflow=" + workflow +
		` -o 'jsonpath={.items[0].spec.nodeSelector} {.items[0].spec.containers[?(@.name=="main")].resources}'`)
	if got != want {
		b.Errorf("the pod of %s has %s, not %s", workflow, got, want)
	}
}

// notes compares what the images say of themselves with git: in the registry, and as `trefoil why` says it.
func (b builders) notes() {
	b.person.git("pull", "--quiet")
	for _, m := range b.models {
		annotations, labels := b.said(m)
		selected, err := b.git.ReadFile(b.Context(), "selected/"+m.name+".cue")
		b.must(err)
		experiment, decided := quoted(selected, "experiment"), quoted(selected, "commit")
		code, commit := cmp.Or(m.code, b.git.URL()), cmp.Or(m.commit, decided)
		for key, want := range map[string]string{
			"org.opencontainers.image.title": m.name, "org.opencontainers.image.version": "1",
			"org.opencontainers.image.source": code, "org.opencontainers.image.revision": commit,
			"org.opencontainers.image.created": "1970-01-01T00:00:00Z",
			"trefoil.dev/model":                m.name, "trefoil.dev/release": "1",
			"trefoil.dev/experiment": experiment, "trefoil.dev/commit": decided,
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
git: release 1 of %s has it, served in staging; it is the latest; `, m.image(), m.name, experiment, decided, code, commit, m.name)
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
		b.reached(m.name, all[0])
		b.readBy(m.name, m.image(), all)
	}
}

// reached waits until the Service of a model leads to it, which is a moment after it is Available. A connection that is begun before
// hangs for minutes.
func (b builders) reached(model string, d digit) {
	b.Helper()
	b.eventually("an answer of "+model, time.Minute, func() bool {
		ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
		defer cancel()
		_, err := ask(ctx, b.predictions(model), d)
		return err == nil
	})
}

// lengthen adds a line to a file.
func lengthen(name, line string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, line...), 0o644)
}

// scripts holds that the source's own scripts of source-to-image made and run the image, and that what it requires was installed.
func (b builders) scripts() {
	const want = "assembled by the source's own script\nrun by the source's own script\ntomli\n"
	if got := b.person.sh("kubectl -n ml-staging exec deployment/by-s2i-main-0-model -c model -- " +
		"sh -c 'cat /microservice/assembled /tmp/run && python3 -c \"import tomli; print(tomli.__name__)\"'"); got != want {
		b.Errorf("by-s2i is %q, not %q", got, want)
	}
}

// scaled holds that Seldon's operator made an autoscaler with the bounds of the one model that asks for it.
func (b builders) scaled() {
	const want = "Deployment/by-buildah-main-0-model 1 2 80"
	got := b.person.sh("kubectl -n ml-staging get hpa -o 'jsonpath={range .items[*]}" +
		"{.spec.scaleTargetRef.kind}/{.spec.scaleTargetRef.name} {.spec.minReplicas} {.spec.maxReplicas} " +
		"{.spec.metrics[*].resource.target.averageUtilization}{end}'")
	if got != want {
		b.Errorf("the autoscalers are %q, not %q", got, want)
	}
}
