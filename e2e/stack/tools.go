//go:build e2e

package stack

import "path/filepath"

// A tool is what is built from one nested module under tools, which pins the
// version of an engine and all that it is built from.
type tool struct {
	name     string
	folder   string    // of the nested module under tools
	module   string    // the module whose files and version matter
	programs []program // to build
	files    []string  // globs of manifests in the module, copied beside the programs
	missing  string    // a file that the module's zip lacks, by its path in the module; the nested module's folder has it, by its name
}

// A program is one binary of a tool.
type program struct {
	name  string
	path  string // import path of its main package
	flags string // for the linker
}

// Flags for the linker: Kubernetes' programs say their version and act by it.
const (
	kubeVersion = "-X k8s.io/component-base/version."
	kubeFlags   = kubeVersion + "gitVersion=v1.36.3 " + kubeVersion + "gitMajor=1 " + kubeVersion + "gitMinor=36"
)

// tools are what every stack is made of, the quick ones first.
func tools() []tool {
	return []tool{
		{name: "etcd", folder: "etcd", module: "go.etcd.io/etcd/server/v3", programs: []program{
			{name: "etcd", path: "go.etcd.io/etcd/server/v3"},
		}},
		{name: "k8s", folder: "k8s", module: "k8s.io/kubernetes", programs: []program{
			{name: "kube-apiserver", path: "k8s.io/kubernetes/cmd/kube-apiserver", flags: kubeFlags},
			{name: "kube-controller-manager", path: "k8s.io/kubernetes/cmd/kube-controller-manager", flags: kubeFlags},
			{name: "kube-scheduler", path: "k8s.io/kubernetes/cmd/kube-scheduler", flags: kubeFlags},
			{name: "kubectl", path: "k8s.io/kubernetes/cmd/kubectl", flags: kubeFlags},
		}},
		{name: "argo", folder: "argo", module: "github.com/argoproj/argo-workflows/v3", programs: []program{
			{name: "workflow-controller", path: "github.com/argoproj/argo-workflows/v3/cmd/workflow-controller"},
		}, files: []string{"manifests/base/crds/minimal/argoproj.io_*.yaml"}},
		{name: "seldon", folder: "seldon", module: "github.com/seldonio/seldon-core/operator", programs: []program{
			{name: "seldon-operator", path: "github.com/seldonio/seldon-core/operator"},
		}, files: []string{"testing/machinelearning.seldon.io_seldondeployments.yaml"}},
		{name: "kwok", folder: "kwok", module: "sigs.k8s.io/kwok", programs: []program{
			{name: "kwok", path: "sigs.k8s.io/kwok/cmd/kwok"},
		}, files: []string{"kustomize/stage/node/fast/node-initialize.yaml"}},
	}
}

// nodeTools are what real pods need beside the tools.
func nodeTools() []tool {
	return []tool{
		{name: "node", folder: "k8s", module: "k8s.io/kubernetes", programs: []program{
			{name: "kubelet", path: "k8s.io/kubernetes/cmd/kubelet", flags: kubeFlags + " -s -w"},
			{name: "kube-proxy", path: "k8s.io/kubernetes/cmd/kube-proxy", flags: kubeFlags + " -s -w"},
		}},
		{name: "argoexec", folder: "argo", module: "github.com/argoproj/argo-workflows/v3", programs: []program{
			{name: "argoexec", path: "github.com/argoproj/argo-workflows/v3/cmd/argoexec", flags: "-s -w"},
		}, missing: "workflow/executor/osspecific/signal_linux.go"},
		{name: "buildkit", folder: "buildkit", module: "github.com/moby/buildkit", programs: []program{
			{name: "buildctl", path: "github.com/moby/buildkit/cmd/buildctl", flags: "-s -w"},
			{name: "rootlesskit", path: "github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit", flags: "-s -w"},
			{name: "buildkitd", path: "github.com/moby/buildkit/cmd/buildkitd", flags: "-s -w"},
		}, files: []string{"examples/buildctl-daemonless/buildctl-daemonless.sh"}},
	}
}

// Binaries says where Build put what it built.
type Binaries struct {
	dirs map[string]string // by name of the tool
}

// Path is the path of a built program, such as "kubectl"; empty for one that
// Build does not know.
func (b Binaries) Path(name string) string {
	for _, t := range append(tools(), nodeTools()...) {
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
