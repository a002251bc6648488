//go:build e2e

package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// prepare makes the stack's folder with all that the programs read: keys,
// certificates, tokens, kubeconfigs and manifests.
func (s *Stack) prepare() error {
	var err error
	if s.dir, err = os.MkdirTemp("", "trefoil-stack-"); err != nil {
		return err
	}
	if err := s.choosePorts(); err != nil {
		return err
	}
	ca, err := s.writeCertificates()
	if err != nil {
		return err
	}
	if err := s.writeAccess(ca); err != nil {
		return err
	}
	for _, name := range []string{"audit-policy.yaml", "stages.yaml"} {
		text, err := manifests.ReadFile("manifests/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) choosePorts() error {
	chosen := []*int{
		&s.ports.etcd, &s.ports.etcdPeer, &s.ports.api, &s.ports.controllers, &s.ports.scheduler,
		&s.ports.seldonHook, &s.ports.seldonMetrics,
	}
	free, err := freePorts(len(chosen))
	if err != nil {
		return err
	}
	for i, port := range chosen {
		*port = free[i]
	}
	if s.real() {
		s.ports.api = 443 // that of the Service kubernetes
	}
	return nil
}

// writeCertificates returns the PEM of the authority that they are signed by.
func (s *Stack) writeCertificates() ([]byte, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if err := os.WriteFile(s.path("ca.crt"), ca.pem, 0o600); err != nil {
		return nil, err
	}
	if _, err := writeKey(s.path("sa.key")); err != nil {
		return nil, err
	}
	if err := ca.issue(s.path("apiserver"), "kubernetes"); err != nil {
		return nil, err
	}
	return ca.pem, ca.issue(s.path(filepath.Join("seldon", "k8s-webhook-server", "serving-certs")), "seldon-webhook")
}

func (s *Stack) writeAccess(ca []byte) error {
	s.access = newAccess(address("https", s.ports.api), ca)
	if err := s.access.writeTokens(s.path("tokens.csv")); err != nil {
		return err
	}
	for _, user := range users() {
		if err := s.access.writeKubeconfig(s.Kubeconfig(user), user); err != nil {
			return err
		}
	}
	var err error
	s.Kube, err = newKube(s.access.config(UserAdmin))
	return err
}
