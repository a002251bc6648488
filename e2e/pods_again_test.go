//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// buildAgain has each model built once more. That by BuildKit was built where all of the pod is another user than root; now BuildKit alone
// is, as it is by default.
func (b builders) buildAgain() {
	file := filepath.Join(b.person.dir, "models.cue")
	text, err := os.ReadFile(file)
	b.must(err)
	const user = "\targo: spec: securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, runAsNonRoot: true}\n"
	without := strings.Replace(string(text), user, "", 1)
	if without == string(text) {
		b.Fatalf("%s has no %q", file, user)
	}
	b.must(os.WriteFile(file, []byte(without), 0o644))
	for _, m := range b.models {
		m.again = b.attempt(m.name, 1)
	}
}

// attempt raises a model's attempt and creates the Workflow that is rendered then: of the same release, by another name. By hand: `trefoil
// retry` is for builds that failed.
func (b builders) attempt(model string, number int) (workflow string) {
	b.Helper()
	b.must(writeFiles(b.person.dir, map[string]string{model + ".cue": fmt.Sprintf("models: %q: package: attempt: %d", model, number)}))
	return b.person.sh("trefoil render --kind workflow " + model + " | kubectl create -f - -o jsonpath={.metadata.name}")
}

// buildConfined has those models built with the seccomp profile RuntimeDefault whose builders docs/packaging.md has in its table.
func (b builders) buildConfined() {
	b.must(writeFiles(b.person.dir, map[string]string{"confined.cue": `models: [_]: package: argo: spec: templates: [{
	name: "package"
	container: securityContext: seccompProfile: type: "RuntimeDefault"
}]`}))
	for _, m := range b.models[:2] {
		m.confined = b.attempt(m.name, 2)
	}
}

// confined holds that these failed, and for want of user namespaces.
func (b builders) confined() {
	for i, says := range []string{"Error during unshare(CLONE_NEWUSER)", "BuildKit does not start, which takes user namespaces"} {
		workflow := b.models[i].confined
		if ended := b.ended(workflow); output(ended) != "" {
			b.Errorf("%s built", workflow)
		}
		log := b.person.sh("kubectl logs --namespace argo --container main --tail -1 --selector workflows.argoproj.io/workflow=" + workflow)
		if !strings.Contains(log, says) {
			b.Errorf("%s says nothing of %q: %s", workflow, says, log)
		}
	}
}

// same waits for the second builds, which have to give the digests of the first.
func (b builders) same() {
	for _, m := range b.models {
		if ended := b.ended(m.again); output(ended) != m.digest {
			b.Errorf("%s is %s, and %q when it is built again: %v", m.name, m.digest, output(ended), ended.Object["status"])
		}
	}
}

// ended waits for the end of a Workflow.
func (b builders) ended(workflow string) unstructured.Unstructured {
	b.Helper()
	return b.await(workflows(), stack.NamespaceWorkflows, workflow, func(u *unstructured.Unstructured) bool {
		return u.GetLabels()["workflows.argoproj.io/completed"] == "true"
	})
}

// await gets an object once it is as it has to be.
func (b builders) await(
	kind schema.GroupVersionResource, namespace, name string, done func(*unstructured.Unstructured) bool,
) unstructured.Unstructured {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 2*patience)
	defer cancel()
	u, err := b.stack.Kube.Await(ctx, kind, namespace, name, done)
	b.must(err)
	return *u
}

// levels asks the API server which pods a level of Pod Security would refuse: with `restricted` all that packaged, and none with the
// one that is enforced.
func (b builders) levels() {
	for level, refused := range map[string]bool{"baseline": false, "restricted": true} {
		said := b.person.sh("kubectl label --dry-run=server --overwrite namespace argo pod-security.kubernetes.io/enforce=" + level)
		if strings.Contains(said, "violate") != refused {
			b.Errorf("with the level %s: %s", level, said)
		}
	}
}
