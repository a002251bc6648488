//go:build e2e

package stack

import "path/filepath"

// A tool is one nested module under tools, which pins the version of an engine
// and all that it is built from.
type tool struct {
	name     string    // of the folder under tools
	module   string    // the module whose files and version matter
	programs []program // to build
	files    []string  // globs of manifests in the module, copied beside the programs
}

// A program is one binary of a tool.
type program struct {
	name  string
	path  string // import path of its main package
	flags string // for the linker
}

// tools are all that Build builds, the quick ones first.
func tools() []tool {
	const version = "-X k8s.io/component-base/version."
	const kube = version + "gitVersion=v1.36.3 " + version + "gitMajor=1 " + version + "gitMinor=36"
	return []tool{
		{name: "etcd", module: "go.etcd.io/etcd/server/v3", programs: []program{
			{name: "etcd", path: "go.etcd.io/etcd/server/v3"},
		}},
		{name: "k8s", module: "k8s.io/kubernetes", programs: []program{
			{name: "kube-apiserver", path: "k8s.io/kubernetes/cmd/kube-apiserver", flags: kube},
			{name: "kube-controller-manager", path: "k8s.io/kubernetes/cmd/kube-controller-manager", flags: kube},
			{name: "kube-scheduler", path: "k8s.io/kubernetes/cmd/kube-scheduler", flags: kube},
			{name: "kubectl", path: "k8s.io/kubernetes/cmd/kubectl", flags: kube},
		}},
		{name: "argo", module: "github.com/argoproj/argo-workflows/v3", programs: []program{
			{name: "workflow-controller", path: "github.com/argoproj/argo-workflows/v3/cmd/workflow-controller"},
		}, files: []string{"manifests/base/crds/minimal/argoproj.io_*.yaml"}},
		{name: "seldon", module: "github.com/seldonio/seldon-core/operator", programs: []program{
			{name: "seldon-operator", path: "github.com/seldonio/seldon-core/operator"},
		}, files: []string{"testing/machinelearning.seldon.io_seldondeployments.yaml"}},
		{name: "kwok", module: "sigs.k8s.io/kwok", programs: []program{
			{name: "kwok", path: "sigs.k8s.io/kwok/cmd/kwok"},
		}, files: []string{"kustomize/stage/node/fast/node-initialize.yaml"}},
	}
}

// Binaries says where Build put what it built.
type Binaries struct {
	dirs map[string]string // by name of the tool
}

// Path is the path of a built program, such as "kubectl"; empty for one that
// Build does not know.
func (b Binaries) Path(name string) string {
	for _, t := range tools() {
		for _, p := range t.programs {
			if p.name == name {
				return filepath.Join(b.dirs[t.name], name)
			}
		}
	}
	return ""
}

// file is the path of a file that Build copied from a tool's module.
func (b Binaries) file(tool, name string) string { return filepath.Join(b.dirs[tool], name) }
