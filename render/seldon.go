package render

import (
	"cmp"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Names inside a SeldonDeployment. They are the same for all models, because Deployments and Services are called by them.
const (
	predictor = "main"
	node      = "model"
)

// progressDeadline is how long a rollout may take before Seldon calls it Failed, where the environment does not say.
const progressDeadline = 10 * time.Minute

// deadline is that in seconds, rounded up.
func deadline(e schema.Environment) int64 {
	return int64((cmp.Or(e.Deadline, progressDeadline) + time.Second - 1) / time.Second)
}

// NewSeldonDeployment serves the image of a release in an environment. The predictor changes only with what its pods are
// made of: a label that changes there would restart them, so the number of the release is a label of the object alone. The
// labels of the model are not on it: changing them changes nothing that runs.
func NewSeldonDeployment(m schema.Model, e schema.Environment, r schema.Release, s Settings) Object {
	ref := DeploymentRef(e)
	body := deployment(m, e, r, s, ref)
	merge(body, e.Seldon)
	id := digest(body)
	merge(body, annotated(id))
	return Object{Ref: ref, Model: m.Name, Environment: e.Name, Digest: id, Body: body}
}

// DeploymentRef is the name of the SeldonDeployment that serves an environment.
func DeploymentRef(e schema.Environment) Ref {
	return Ref{Kind: SeldonDeployment, Namespace: e.Namespace, Name: e.ObjectName}
}

// ServiceName is what Seldon calls the Service that leads to the predictor of a SeldonDeployment; its port is called http.
func ServiceName(deployment Ref) string { return deployment.Name + "-" + predictor }

// annotated is the part of an object that carries its digest.
func annotated(id schema.Digest) map[string]any {
	return map[string]any{"metadata": map[string]any{"annotations": map[string]any{AnnotationDigest: string(id)}}}
}

// deployment is what Trefoil itself says of a SeldonDeployment, without its digest.
func deployment(m schema.Model, e schema.Environment, r schema.Release, s Settings, ref Ref) map[string]any {
	metadata := s.metadata(ref, m.Name, "", map[string]string{
		LabelEnvironment: e.Name,
		LabelRelease:     strconv.Itoa(r.Number),
	})
	delete(metadata, "annotations")
	return map[string]any{
		"apiVersion": "machinelearning.seldon.io/v1",
		"kind":       "SeldonDeployment",
		"metadata":   metadata,
		"spec": map[string]any{
			"protocol":   "seldon",
			"predictors": []any{served(m, e, r, s)},
		},
	}
}

// served is the predictor. Seldon copies its labels to the Deployment that it makes, where they tell whose rollout it is.
func served(m schema.Model, e schema.Environment, r schema.Release, s Settings) map[string]any {
	container := map[string]any{
		"name":  node,
		"image": r.Image,
		// Seldon's own readiness, a connection to the port, begins after 20 s and proves less.
		"readinessProbe": probe(5, 3),
		// Until it has passed, Seldon's own liveness does not count, which kills a model that loads for longer than 75 s. Then
		// the kubelet asks for readiness at once.
		"startupProbe": probe(1, deadline(e)),
	}
	if section, found := resources(e.Resources); found {
		container["resources"] = section
	}
	component := map[string]any{"spec": map[string]any{"containers": []any{container}}}
	body := map[string]any{
		"name":                    predictor,
		"labels":                  map[string]any{LabelRepository: s.Owner, LabelModel: m.Name},
		"traffic":                 int64(100),
		"progressDeadlineSeconds": deadline(e),
		"graph":                   map[string]any{"name": node, "type": "MODEL"},
		"componentSpecs":          []any{component},
	}
	if e.NoEngine {
		body["annotations"] = map[string]any{"seldon.io/no-engine": "true"}
	}
	if e.Autoscale == nil {
		body["replicas"] = int64(e.Replicas)
	} else {
		component["hpaSpec"] = autoscaler(*e.Autoscale)
	}
	return body
}

// probe asks Seldon's wrapper whether the model is loaded and well, every so many seconds; so many failures in a row count.
func probe(every, failures int64) map[string]any {
	return map[string]any{
		"httpGet":          map[string]any{"path": "/health/status", "port": "http"},
		"periodSeconds":    every,
		"timeoutSeconds":   int64(5),
		"failureThreshold": failures,
	}
}

// autoscaler is what Seldon makes a HorizontalPodAutoscaler of. The Deployment then has replicas that neither Seldon nor we say, so
// that what it does is no drift.
func autoscaler(a schema.Autoscale) map[string]any {
	return map[string]any{
		"minReplicas": int64(a.Min),
		"maxReplicas": int64(a.Max),
		"metricsv2": []any{map[string]any{
			"type": "Resource",
			"resource": map[string]any{
				"name":   "cpu",
				"target": map[string]any{"type": "Utilization", "averageUtilization": int64(a.CPU)},
			},
		}},
	}
}
