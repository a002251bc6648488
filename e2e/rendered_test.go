//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtime "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/schema"
)

// renderedModels use what the rendered objects have fields for: a secret, limits, additions, both builders and two environments.
var renderedModels = map[string]string{
	"one.cue": `models: one: {
	labels: team: "vision"
	package: {
		credentials: "registry"
		timeout: "30m"
		resources: {requests: cpu: "1", limits: memory: "2Gi"}
		argo: spec: {priorityClassName: "low", templates: [{name: "package", nodeSelector: disk: "fast"}]}
	}
	serve: {
		staging: {}
		production: {
			namespace: "ml", release: 1, replicas: 3, resources: limits: {cpu: "2", memory: "1Gi"}
			seldon: spec: predictors: [{name: "main", annotations: "seldon.io/no-engine": "true"}]
		}
	}
}`,
	"two.cue": `models: two: package: builder: buildah: dockerfile: "Dockerfile.two"`,
}

// TestRendered has kubectl apply what `trefoil render` prints by dry-run at the server, with the daemon's account and Argo's and
// Seldon's definitions: as a stream, as the files of --split, and object by object. Nothing is created by it.
func TestRendered(t *testing.T) {
	l := newLaptop(t, "")
	l.must(os.CopyFS(l.dir, os.DirFS("testdata/quick")))
	l.must(writeFiles(l.dir, renderedModels))
	l.release()
	s := startStack(t)
	want := []string{
		"seldondeployment.machinelearning.seldon.io/one created (server dry run)", // in ml
		"seldondeployment.machinelearning.seldon.io/one created (server dry run)", // in ml-staging
		"seldondeployment.machinelearning.seldon.io/two created (server dry run)",
		"workflow.argoproj.io/one-pkg created (server dry run)",
		"workflow.argoproj.io/two-pkg created (server dry run)",
	}
	render := []string{"render", "--repo", "https://git.example.com/ml/models.git", "-C", l.dir}
	kubernetes := append(slices.Clone(render), "--kind", "workflow,seldondeployment")
	l.applied(s, l.trefoil(kubernetes...), want, "-f", "-")
	l.applied(s, l.trefoil(append(slices.Clone(render), "--environment", "staging")...), want[1:3], "-f", "-")

	l.Log(l.trefoil(append(kubernetes, "--split", "rendered")...))
	l.applied(s, "", want, "-R", "-f", filepath.Join(l.dir, "rendered"))
	l.Log(l.trefoil(append(render, "--split", "rendered")...))
	l.applied(s, "", want[:1], "-f", filepath.Join(l.dir, "rendered", "one", "seldondeployment-production.yaml"))
	l.absent(s)
}

func (l *laptop) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// release writes down that release 1 of each model is built: it answers the spec as it is.
func (l *laptop) release() {
	l.Helper()
	tree, err := gitrepo.Worktree(l.dir)
	l.must(err)
	c, err := schema.Load(l.ctx, tree)
	l.must(err)
	if len(c.Models) != len(renderedModels) {
		l.Fatalf("%d models, %v", len(c.Models), c.Findings)
	}
	l.must(os.Mkdir(filepath.Join(l.dir, "selected"), 0o755))
	for _, m := range c.Models {
		l.must(os.WriteFile(filepath.Join(l.dir, "selected", m.Name+".cue"), fmt.Appendf(nil, `package models

selected: %[1]s: {latest: 1, last: 1}
selected: %[1]s: releases: "1": {
	answers: {search: %[2]q, select: %[3]q, package: %[4]q}
	experiment: "f1c2a0b3f1c2a0b3f1c2a0b3f1c2a0b3"
	params: {rate: 0.5}
	metrics: {accuracy: 0.9}
	artifact: {path: "model.dat", sha256: %[5]q}
	commit: %[6]q
	image: "registry.example/%[1]s@sha256:%[5]s"
}
`, m.Name, m.Digests.Search, m.Digests.Select, m.Digests.Package, strings.Repeat("5a", 32), strings.Repeat("a", 40)), 0o644))
	}
}

// applied runs kubectl apply, which has to say that of the objects; a digest in a name is not compared.
func (l *laptop) applied(s *stack.Stack, input string, want []string, args ...string) {
	l.Helper()
	cmd := exec.CommandContext(l.ctx, s.Binaries().Path("kubectl"), append([]string{"apply", "--dry-run=server"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig(stack.UserDaemon), "HOME="+l.TempDir())
	var said, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	l.Logf("%q\n%s%s", cmd.Args[1:], said.String(), wrong.String())
	var got []string
	for line := range strings.Lines(said.String()) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 2)
		name, _, _ := strings.Cut(words[0], "-v1-")
		got = append(got, name+" "+strings.Join(words[1:], ""))
	}
	slices.Sort(got)
	if err != nil || wrong.Len() > 0 || !slices.Equal(got, want) {
		l.Errorf("%v: kubectl says %q, and not %q", err, got, want)
	}
}

// absent checks that a dry-run has left nothing.
func (l *laptop) absent(s *stack.Stack) {
	l.Helper()
	for _, resource := range []runtime.GroupVersionResource{workflows(), seldonDeployments()} {
		list, err := s.Kube.Resource(resource).List(l.ctx, metav1.ListOptions{})
		l.must(err)
		if len(list.Items) > 0 {
			l.Errorf("there are %d %s", len(list.Items), resource.Resource)
		}
	}
}
