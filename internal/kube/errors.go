package kube

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trefoil-gitops/trefoil/render"
)

// ErrNoNamespace says that the namespace of an object does not exist, or is being deleted.
var ErrNoNamespace = errors.New("no such namespace")

// ErrNotInstalled says that the cluster does not know a kind: its custom resource definition is missing.
var ErrNotInstalled = errors.New("is not installed")

// explain turns the answer of the API server to a write into what people can act on. The cause stays wrapped.
func explain(err error, ref render.Ref, served apischema.GroupVersionResource) error {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return fmt.Errorf("%w: %s is being deleted", ErrNoNamespace, ref.Namespace)
	case apierrors.IsNotFound(err) && aboutNamespace(err):
		return fmt.Errorf("%w: %s (try: kubectl create namespace %s)", ErrNoNamespace, ref.Namespace, ref.Namespace)
	}
	return reason(err, served)
}

// aboutNamespace reports whether what the server did not find is the namespace.
func aboutNamespace(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "namespaces"
}

// reason says why a resource can't be read or written, in the same words each time.
func reason(err error, served apischema.GroupVersionResource) error {
	var (
		operation *net.OpError
		request   *url.Error
	)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("CRD %s, version %s, %w", served.GroupResource(), served.Version, ErrNotInstalled)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster does not accept the credentials (try: kubectl auth whoami): %w", err)
	case errors.As(err, &operation):
		// Without the addresses: the local port differs each time.
		return fmt.Errorf("the cluster can't be reached: %s: %w", operation.Op, operation.Err)
	case errors.As(err, &request):
		return fmt.Errorf("the cluster can't be reached: %w", request.Err)
	}
	return err
}
