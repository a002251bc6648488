//go:build e2e

package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The command lines of the stack's programs, and when each is ready.

func (s *Stack) startEtcd(ctx context.Context) error {
	client, peer := address("http", s.ports.etcd), address("http", s.ports.etcdPeer)
	return s.launch(ctx, "etcd", nil, []string{
		"--name=stack", "--data-dir=" + s.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=stack=" + peer,
	}, answers(client+"/health"))
}

func (s *Stack) startAPIServer(ctx context.Context) error {
	certs := s.path("apiserver")
	// Nothing simulated could reach the Service kubernetes.
	reach := []string{"--bind-address=" + host(), "--endpoint-reconciler-type=none"}
	if s.real() {
		reach = []string{"--bind-address=0.0.0.0", "--allow-privileged", "--kubelet-preferred-address-types=InternalIP"}
	}
	return s.launch(ctx, "kube-apiserver", nil, append(reach,
		"--etcd-servers="+address("http", s.ports.etcd),
		"--advertise-address="+host(), fmt.Sprintf("--secure-port=%d", s.ports.api),
		"--cert-dir="+certs, "--tls-cert-file="+filepath.Join(certs, "tls.crt"), "--tls-private-key-file="+filepath.Join(certs, "tls.key"),
		"--token-auth-file="+s.path("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-key-file="+s.path("sa.key"), "--service-account-signing-key-file="+s.path("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range="+services,
		"--audit-policy-file="+s.path("audit-policy.yaml"), "--audit-log-path="+s.path("audit.log"),
	), answers(s.access.server+"/readyz"))
}

func (s *Stack) startControllerManager(ctx context.Context) error {
	return s.launch(ctx, "kube-controller-manager", nil, []string{
		"--kubeconfig=" + s.Kubeconfig(userKCM), "--leader-elect=false", "--authentication-skip-lookup",
		"--bind-address=" + host(), fmt.Sprintf("--secure-port=%d", s.ports.controllers), "--cert-dir=" + s.path("kube-controller-manager"),
		"--root-ca-file=" + s.path("ca.crt"), "--service-account-private-key-file=" + s.path("sa.key"),
		"--kube-api-qps=300", "--kube-api-burst=600",
	}, answers(address("https", s.ports.controllers)+"/healthz"))
}

func (s *Stack) startScheduler(ctx context.Context) error {
	return s.launch(ctx, "kube-scheduler", nil, []string{
		"--kubeconfig=" + s.Kubeconfig(userKS), "--leader-elect=false", "--authentication-skip-lookup",
		"--bind-address=" + host(), fmt.Sprintf("--secure-port=%d", s.ports.scheduler), "--cert-dir=" + s.path("kube-scheduler"),
	}, answers(address("https", s.ports.scheduler)+"/healthz"))
}

// startKwok must come after the CustomResourceDefinitions of Argo: kwok learns
// at its start which kinds there are.
func (s *Stack) startKwok(ctx context.Context) error {
	if err := s.apply(ctx, "simulated.yaml"); err != nil {
		return err
	}
	return s.launch(ctx, "kwok", nil, []string{
		"--kubeconfig=" + s.Kubeconfig(UserKwok), "--manage-all-nodes=true", "--node-lease-duration-seconds=40",
		"--cidr=10.0.0.0/16", "--node-ip=127.0.0.1",
		"--config=" + s.binaries.file("kwok", "node-initialize.yaml"), "--config=" + s.path("stages.yaml"),
	}, s.nodeIsReady("simulated"))
}

func (s *Stack) startArgo(ctx context.Context) error {
	executor, pull := "argoexec:simulated", "Never"
	if s.real() {
		executor, pull = imageExecutor, "IfNotPresent"
	}
	return s.launch(ctx, "workflow-controller", []string{
		"LEADER_ELECTION_DISABLE=true",
		"DEFAULT_REQUEUE_TIME=1s", // of ten: what every event of a Workflow waits for
	}, []string{
		"--kubeconfig=" + s.Kubeconfig(UserArgo), "--namespace=" + NamespaceArgo,
		"--namespaced", "--managed-namespace=" + NamespaceWorkflows,
		"--executor-image=" + executor, "--executor-image-pull-policy=" + pull,
		"--qps=50", "--burst=100",
	}, s.argoRuns())
}

// argoRuns holds once workflow-controller says that it has begun. Where it says
// how it is can't be chosen, and is another stack's where that came first: it
// goes on without. Real pods have a network of their own.
func (s *Stack) argoRuns() check {
	if s.real() {
		return answers(address("http", 6060) + "/healthz")
	}
	const begun = "Starting Workflow Controller"
	return check{what: "its log has " + begun, probe: func(context.Context) error {
		text, err := os.ReadFile(s.path("workflow-controller.log"))
		if err == nil && !bytes.Contains(text, []byte(begun)) {
			err = errors.New("its log does not")
		}
		return err
	}}
}

// startSeldon runs the operator for all namespaces. Its webhook server wants a
// certificate below TMPDIR, though nothing here calls it.
func (s *Stack) startSeldon(ctx context.Context) error {
	return s.launch(ctx, "seldon-operator", []string{
		"TMPDIR=" + s.path("seldon"), "POD_NAMESPACE=seldon-system",
		"EXECUTOR_CONTAINER_IMAGE_AND_VERSION=seldonio/seldon-core-executor:1.16.0", "EXECUTOR_CONTAINER_USER=8888",
		"AMBASSADOR_ENABLED=false", "ISTIO_ENABLED=false", "KEDA_ENABLED=false",
	}, []string{
		"--kubeconfig=" + s.Kubeconfig(UserSeldon), fmt.Sprintf("--webhook-port=%d", s.ports.seldonHook),
		fmt.Sprintf("--metrics-addr=%s:%d", host(), s.ports.seldonMetrics),
	}, answers(address("http", s.ports.seldonMetrics)+"/metrics"))
}

// address is the URL of a server on the host.
func address(scheme string, port int) string { return fmt.Sprintf("%s://%s:%d", scheme, host(), port) }
