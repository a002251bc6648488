//go:build e2e

package stack

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Manifests are the objects of deploy/, as kubectl makes them.
func (s *Stack) Manifests(ctx context.Context) ([]*unstructured.Unstructured, error) {
	root, _, err := goEnv(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, s.binaries.Path("kubectl"), "kustomize", filepath.Join(root, "deploy"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl kustomize deploy: %w\n%s", err, stderr.Bytes())
	}
	return parseObjects(text)
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
