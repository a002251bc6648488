//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// podUser is the account of Workflow pods in deploy/.
const podUser = "system:serviceaccount:argo:trefoil-workflows"

// needed is what the daemon may do, and all of it: verbs, resource and namespace; no namespace means all.
const needed = `
list,watch                         workflows.argoproj.io
get,create,delete                  workflows.argoproj.io                        argo
list,watch                         deployments.apps
list,watch                         pods
get                                pods/log
get,list,watch,create,patch,delete seldondeployments.machinelearning.seldon.io
get,list,watch,create,update,delete configmaps                                  argo
get,create,update                  leases.coordination.k8s.io                   argo
`

// denied is what would be of use to who gets hold of the daemon.
const denied = `
get,list,watch,create              secrets
get,create,patch,delete            pods
create                             pods/exec
get,create                         services/proxy
create,update,patch,delete         namespaces
get,create,update,bind,escalate    clusterroles.rbac.authorization.k8s.io
create,update                      rolebindings.rbac.authorization.k8s.io       argo
get,list,watch,create,update       configmaps
get,create,update                  configmaps                                   kube-system
patch,deletecollection             configmaps                                   argo
delete                             configmaps
get,create,update,patch,delete     deployments.apps
create,delete,patch                workflows.argoproj.io
update,patch                       workflows.argoproj.io                        argo
update,deletecollection            seldondeployments.machinelearning.seldon.io
update,patch                       seldondeployments/status.machinelearning.seldon.io
get,create,update                  leases.coordination.k8s.io                   kube-system
delete,list,watch                  leases.coordination.k8s.io                   argo
get,list                           nodes
create                             serviceaccounts/token                        argo
impersonate                        users
impersonate                        serviceaccounts                              argo
*                                  *.*
`

// TestAccess asks what `kubectl auth can-i` asks, of the accounts of deploy/: what is needed is allowed, the rest is not. Then the
// API server takes all manifests, by dry-run.
func TestAccess(t *testing.T) {
	s := startStack(t)
	t.Run("daemon may", func(t *testing.T) { canI(t, s, stack.UserDaemon, needed, true) })
	t.Run("daemon may not", func(t *testing.T) { canI(t, s, stack.UserDaemon, denied, false) })
	t.Run("pods may", func(t *testing.T) { canI(t, s, podUser, "create,patch workflowtaskresults.argoproj.io argo", true) })
	t.Run("pods may not", func(t *testing.T) {
		canI(t, s, podUser, denied+needed+"get,list,update,delete workflowtaskresults.argoproj.io argo\ncreate,patch workflowtaskresults.argoproj.io", false)
	})
	t.Run("rendered accounts", func(t *testing.T) { platform(t, s) })
	t.Run("daemon may, where it checks", func(t *testing.T) {
		if err := s.PermitChecks(t.Context()); err != nil {
			t.Fatal(err)
		}
		canI(t, s, stack.UserDaemon, "create services/proxy "+stack.NamespaceStaging, true)
		canI(t, s, stack.UserDaemon, denied+"get,update,patch,delete services/proxy "+stack.NamespaceStaging, false)
	})
	t.Run("manifests", func(t *testing.T) { manifests(t, s, nil) })
	t.Run("manifests with webhooks", func(t *testing.T) { manifests(t, s, map[string]int{"Service": 1, "Ingress": 1}, "webhook") })
}

// platform does what docs/packaging.md says in a shell, where Workflows run in a namespace of their own and a model has an account of
// its own, and asks the same of the accounts that are there then.
func platform(t *testing.T, s *stack.Stack) {
	l := newLaptop(t, "three")
	l.at(s, "PASSWORD=secret", "TREFOIL_WORKFLOW_NAMESPACE=builds", "TREFOIL_WORKFLOW_SERVICE_ACCOUNT=packager")
	l.must(writeFiles(l.dir, map[string]string{"own.cue": `models: ring: package: serviceAccount: "ring-packager"`}))
	l.must(os.Symlink(s.CAFile(), filepath.Join(l.dir, "ca.crt")))
	l.sh("kubectl create namespace builds")
	for _, lines := range shown(t, "packaging.md", "sh") {
		t.Log(l.sh(lines))
	}
	for what, want := range map[string]string{
		"-n argo secret regcred -o jsonpath={.type}":        "kubernetes.io/dockerconfigjson",
		"-n argo configmap registry-ca -o jsonpath={.data}": `{"ca.crt":"-----BEGIN CERTIFICATE-----`,
	} {
		if got := l.sh("kubectl get " + what); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}
	for _, account := range []string{"packager", "ring-packager"} {
		user := "system:serviceaccount:builds:" + account
		canI(t, s, user, "create,patch workflowtaskresults.argoproj.io builds", true)
		canI(t, s, user, denied+needed+`
get,list,watch,update,delete,deletecollection workflowtaskresults.argoproj.io builds
create,patch           workflowtaskresults.argoproj.io
create,patch           workflowtaskresults.argoproj.io argo
get,list,watch,create  secrets                         builds
get,list,watch,create  pods                            builds
create,get             pods/exec                       builds
get                    pods/log                        builds
get,list,create        configmaps                      builds
create                 serviceaccounts/token           builds
get,create             workflows.argoproj.io           builds
`, false)
	}
}

func canI(t *testing.T, s *stack.Stack, user, table string, want bool) {
	client := as(t, s, user)
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		namespace := ""
		if len(words) > 2 {
			namespace = words[2]
		}
		name, group, _ := strings.Cut(words[1], ".")
		resource, sub, _ := strings.Cut(name, "/")
		for verb := range strings.SplitSeq(words[0], ",") {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: sub},
			}}
			allowed := func() (bool, string) {
				answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return answer.Status.Allowed, answer.Status.Reason
			}
			got, reason := allowed()
			for end := time.Now().Add(10 * time.Second); want && !got && time.Now().Before(end); got, reason = allowed() {
				time.Sleep(100 * time.Millisecond) // what was just granted is known a moment later
			}
			if got != want {
				t.Errorf("%s %s %s: allowed is %v (%s)", verb, words[1], namespace, got, reason)
			}
		}
	}
}

// as is a client that impersonates a service account, as --as does.
func as(t *testing.T, s *stack.Stack, user string) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig(stack.UserAdmin))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	namespace := strings.Split(user, ":")[2]
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{
		"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated",
	}}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// manifests has the server judge each object of deploy/, pod security included, without storing it.
func manifests(t *testing.T, s *stack.Stack, more map[string]int, components ...string) {
	objects, err := s.Manifests(t.Context(), components...)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, u := range objects {
		kinds[u.GetKind()]++
		if _, err := s.Kube.Resource(plural(u)).Namespace(u.GetNamespace()).Apply(t.Context(), u.GetName(), u,
			metav1.ApplyOptions{FieldManager: "test", Force: true, DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Errorf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
		if u.GetKind() == "Deployment" {
			pod(t, s, u)
		}
	}
	for kind, n := range map[string]int{"Deployment": 1, "NetworkPolicy": 1, "Secret": 0, "Service": more["Service"], "Ingress": more["Ingress"]} {
		if kinds[kind] != n {
			t.Errorf("there are %v", kinds)
		}
	}
}

// pod creates the pod of the Deployment by dry-run: the namespace's pod security refuses what is not restricted.
func pod(t *testing.T, s *stack.Stack, deployment *unstructured.Unstructured) {
	spec, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		t.Fatal(err)
	}
	p := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": spec}}
	p.SetName("trial")
	if _, err := s.Kube.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(deployment.GetNamespace()).
		Create(t.Context(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("its pod: %v", err)
	}
}

func plural(u *unstructured.Unstructured) schema.GroupVersionResource {
	name := strings.ToLower(u.GetKind()) + "s"
	if cut, ok := strings.CutSuffix(name, "ys"); ok {
		name = cut + "ies"
	}
	if cut, ok := strings.CutSuffix(name, "sss"); ok {
		name = cut + "sses"
	}
	return u.GroupVersionKind().GroupVersion().WithResource(name)
}
