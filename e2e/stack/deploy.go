//go:build e2e

package stack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Manifests are the objects of deploy/, as kubectl makes them, with components from there.
func (s *Stack) Manifests(ctx context.Context, components ...string) ([]*unstructured.Unstructured, error) {
	root, _, err := goEnv(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "trefoil-deploy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	deploy, err := filepath.Rel(dir, filepath.Join(root, "deploy")) // kustomize takes no absolute paths
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, "resources: [%s]\ncomponents:\n", deploy)
	for _, c := range components {
		text = fmt.Appendf(text, "- %s\n", filepath.Join(deploy, c))
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o600); err != nil {
		return nil, err
	}
	if text, err = s.kustomize(ctx, dir); err != nil {
		return nil, err
	}
	return parseObjects(text)
}

// kustomize is what kubectl makes of a folder.
func (s *Stack) kustomize(ctx context.Context, dir string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.binaries.Path("kubectl"), "kustomize", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl kustomize %s: %w\n%s", dir, err, stderr.Bytes())
	}
	return text, nil
}

// PermitChecks gives the daemon's user what deploy/checks gives it, in NamespaceStaging.
func (s *Stack) PermitChecks(ctx context.Context) error {
	root, _, err := goEnv(ctx)
	if err != nil {
		return err
	}
	text, err := s.kustomize(ctx, filepath.Join(root, "deploy", "checks"))
	if err != nil {
		return err
	}
	return s.Kube.Apply(ctx, text)
}

// permit gives the daemon's user the rights that deploy/ gives it, and no others. Its programs are not started.
func (s *Stack) permit(ctx context.Context) error {
	objects, err := s.Manifests(ctx)
	if err != nil {
		return err
	}
	rights := []string{"Namespace", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}
	return s.Kube.apply(ctx, slices.DeleteFunc(objects, func(u *unstructured.Unstructured) bool {
		return !slices.Contains(rights, u.GetKind())
	}))
}
