//go:build e2e

package stack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Kube is the API server as the tests use it, as UserAdmin.
type Kube struct {
	dynamic.Interface
}

func newKube(config *rest.Config) (*Kube, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Kube{Interface: client}, nil
}

// Apply applies every document of a YAML text by server-side apply, in order.
func (k *Kube) Apply(ctx context.Context, text []byte) error {
	objects, err := parseObjects(text)
	if err != nil {
		return err
	}
	return k.apply(ctx, objects)
}

func (k *Kube) apply(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		// What a kind's resource is called is guessed: right for all kinds here,
		// and a wrong guess is a 404.
		resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
		options := metav1.ApplyOptions{FieldManager: "stack", Force: true}
		_, err := k.Resource(resource).Namespace(object.GetNamespace()).Apply(ctx, object.GetName(), object, options)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// parseObjects reads the documents of a YAML text.
func parseObjects(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// define applies texts, each with CustomResourceDefinitions, side by side and
// waits until the server serves them.
func (k *Kube) define(ctx context.Context, texts [][]byte) error {
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	group, ctx := errgroup.WithContext(ctx)
	for _, text := range texts {
		group.Go(func() error {
			if err := k.Apply(ctx, text); err != nil {
				return err
			}
			objects, err := parseObjects(text)
			if err != nil {
				return err
			}
			for _, object := range objects {
				if _, err := k.Await(ctx, crds, "", object.GetName(), established); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func established(crd *unstructured.Unstructured) bool { return Condition(crd, "Established") == "True" }

// Condition is the status of one of an object's status.conditions; empty when
// there is none of that type.
func Condition(object *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, ok := c.(map[string]any); ok && condition["type"] == kind {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}

// Await gets an object five times a second until it is there and done holds,
// and returns it. When ctx ends, the error says what its status was.
func (k *Kube) Await(ctx context.Context, resource schema.GroupVersionResource, namespace, name string,
	done func(*unstructured.Unstructured) bool,
) (*unstructured.Unstructured, error) {
	what := fmt.Sprintf("await %s %s/%s", resource.Resource, namespace, name)
	var last *unstructured.Unstructured
	for {
		object, err := k.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil && done(object):
			return object, nil
		case err == nil:
			last = object
		case !apierrors.IsNotFound(err) && ctx.Err() == nil:
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			if last == nil {
				return nil, fmt.Errorf("%s: never seen: %w", what, context.Cause(ctx))
			}
			return nil, fmt.Errorf("%s: %w; status %v", what, context.Cause(ctx), last.Object["status"])
		case <-time.After(200 * time.Millisecond):
		}
	}
}
