// Package render makes the objects that a model asks for in the engines: the search that Polyaxon runs, the Workflow that
// packages a release, the SeldonDeployment that serves it, and the claim that guards a search while it is created.
//
// Its functions are total and pure: whatever schema.Load lets through is rendered, the same input to the same bytes, and a
// Body shares no memory with the model. What people add to an object changes nothing of ours; Check says where it would. Names come from digests of what goes in, so creating an object twice is noticed.
package render

import "github.com/trefoil-gitops/trefoil/schema"

// Kind is what an object is, across the engines.
type Kind string

// The kinds that Trefoil makes.
const (
	Search           Kind = "Search"           // a Polyaxon operation with a matrix
	Claim            Kind = "Claim"            // the ConfigMap that guards the creation of a Search
	Workflow         Kind = "Workflow"         // an Argo Workflow that packages a release
	SeldonDeployment Kind = "SeldonDeployment" // a release, served in an environment
)

// Ref names an object in its engine. A Search has no namespace.
type Ref struct {
	Kind            Kind
	Namespace, Name string
}

// String is "Workflow argo/mnist-pkg-v1-1f2e", as plans and logs print it.
func (r Ref) String() string {
	if r.Namespace == "" {
		return string(r.Kind) + " " + r.Name
	}
	return string(r.Kind) + " " + r.Namespace + "/" + r.Name
}

// Object is something to be in an engine.
type Object struct {
	Ref         Ref
	Model       string
	Environment string // only of a SeldonDeployment
	// Digest tells whether the live object is the wanted one: of a create-only object the digest behind its name, of an
	// applied one the digest of Body.
	Digest schema.Digest
	// Body is the object as JSON: strings, bools, int64, float64, []any and map[string]any, without status.
	Body map[string]any
}

// Settings is what rendering needs to know beside the model: where the engines and the repository are for pods.
type Settings struct {
	// Repository is the URL of the spec repository as pods fetch it, without credentials.
	Repository string
	// Path is the folder of the repository that holds the specs; "." for its root. Source paths are below it.
	Path string
	// Owner identifies repository, branch and path in labels and meta_info: what carries another one is not ours. It is the
	// value of a label: at most 63 letters, digits, '-', '_' and '.'.
	Owner     string
	Polyaxon  Polyaxon
	Workflows Workflows
}

// Polyaxon is where searches run.
type Polyaxon struct {
	URL            string // as pods reach it, without a slash at its end
	Owner, Project string
	// GitConnection is a connection that Polyaxon knows by this name, with which experiments fetch the spec repository; empty
	// for a public one.
	GitConnection string
}

// Workflows is where models are packaged.
type Workflows struct {
	Namespace      string
	ServiceAccount string // empty for the namespace's default
	Images         Images
	// GitCredentials is a Secret of the namespace with which the spec repository is fetched: username and password for https,
	// identity and known_hosts for ssh. PolyaxonToken is one with Polyaxon's token. Empty where none is needed.
	GitCredentials, PolyaxonToken string
}

// Images are the container images of the steps of a packaging Workflow. All of them run as root, but for BuildKit's.
type Images struct {
	Fetch string // has sh, wget and sha256sum
	Git   string // has sh and git; 2.31 or later with GitCredentials, and for ssh also ssh
	Build string // has sh and buildah
	// BuildKit has sh, rootlesskit, buildkitd, buildctl, and a user 1000 with subordinate ids.
	BuildKit string
}
