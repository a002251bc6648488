package render

import "strings"

// terms say who says the parts of an object, by their paths with dots between; elements of lists go by their names.
type terms struct {
	// open are the structs to which not everything may be added, with what may.
	open   map[string][]string
	owners []owner
}

// owner is who says a part of an object and all that is in it.
type owner struct {
	path   string
	field  string // of the spec; empty for Trefoil itself
	closed bool   // nobody may add to it
	why    string // what to do instead, of what is closed and neither Trefoil nor a field says
}

// owner is the one of the innermost part that has one.
func (t terms) owner(path []string) owner {
	var best owner
	for _, o := range t.owners {
		if strings.HasPrefix(strings.Join(path, ".")+".", o.path+".") && len(o.path) > len(best.path) {
			best = o
		}
	}
	return best
}

func searchTerms() terms {
	const run, container = "component.run", "component.run.container"
	return terms{
		open: map[string][]string{
			"":          {"component", "description", "plugins", "queue", "tags"},
			"component": {"description", "plugins", "queue", "run", "tags", "termination"},
			run:         {"connections", "container", "environment", "init", "sidecars", "volumes"},
		},
		owners: []owner{
			{path: "matrix", field: "train.search", closed: true},
			{path: "matrix.concurrency", field: "train.search.concurrency"},
			{path: "component.inputs", field: "train.params", closed: true},
			{path: "component.outputs", field: "select.metric", closed: true},
			{path: "component.termination.timeout", field: "train.timeout"},
			{path: run + ".environment.labels", field: "labels"},
			{path: run + ".init", field: "train.source"},
			{path: container + ".image", field: "train.image"},
			{path: container + ".command", field: "train.command", closed: true},
			{path: container + ".args", field: "train.command", closed: true},
			{path: container + ".resources", field: "train.resources"},
			{path: container + ".workingDir", field: "train.source"},
		},
	}
}

// objectOpen is what may be added to an object of Kubernetes: owner references, finalizers and the like would make deleting
// it somebody else's business.
func objectOpen() map[string][]string {
	return map[string][]string{"": {"metadata", "spec"}, "metadata": {"annotations", "labels"}}
}

func workflowTerms() terms {
	const template = "spec.templates.package"
	return terms{open: objectOpen(), owners: []owner{
		{path: "metadata.labels", field: "labels"},
		{path: "spec.activeDeadlineSeconds", field: "package.timeout"},
		{path: "spec.podMetadata.labels", field: "labels"},
		{path: "spec.serviceAccountName", field: "package.serviceAccount", closed: true},
		{path: template + ".container.resources", field: "package.resources"},
		{path: template + ".container.env.IMAGE", field: "package.image"},
		{path: "spec.volumes.credentials", field: "package.credentials"},
		{path: "spec.volumes.git-credentials", field: "package.gitCredentials"},
		{path: "spec.volumes.registry-ca", field: "package.registry"},
		{path: "spec.volumes.store", field: "package.artifact"},
		{path: "spec.ttlStrategy", closed: true, why: "a Workflow stays until its image is committed; Trefoil deletes the old ones"},
		{path: "spec.workflowTemplateRef", closed: true, why: "take its templates over into what is added"},
		{path: "spec.workflowMetadata", closed: true, why: "write metadata"},
		{path: "spec.podSpecPatch", closed: true, why: "write the fields that it would change"},
		{path: template + ".podSpecPatch", closed: true, why: "write the fields that it would change"},
	}}
}

func deploymentTerms(environment string) terms {
	const predictor = "spec.predictors." + predictor
	const component = predictor + ".componentSpecs.0"
	const ours = component + ".spec.containers." + node
	return terms{open: objectOpen(), owners: []owner{
		{path: predictor + ".annotations.seldon.io/no-engine", field: environment + ".engine"},
		{path: predictor + ".progressDeadlineSeconds", field: environment + ".deadline"},
		{path: component + ".hpaSpec", field: environment + ".autoscale"},
		{path: "metadata.name", field: environment + ".name"},
		{path: "metadata.namespace", field: environment + ".namespace"},
		{path: "spec.name", field: environment + ".name", closed: true},
		{path: "spec.replicas", field: environment + ".replicas", closed: true},
		{path: predictor + ".replicas", field: environment + ".replicas"},
		{path: component + ".replicas", field: environment + ".replicas", closed: true},
		{path: ours + ".image", field: environment + ".release"},
		{path: ours + ".resources", field: environment + ".resources"},
		{path: predictor + ".graph.implementation", closed: true, why: "Seldon would serve another image than the release's"},
		{path: predictor + ".graph.modelUri", closed: true, why: "the model is in the release's image"},
	}}
}
