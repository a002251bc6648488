package schema

import "time"

// Package says how a release becomes an image. Secrets, claims and accounts are in the namespace of the Workflows.
type Package struct {
	Image          string // repository without tag or digest
	Source         Source
	Builder        Builder
	Claim          *Claim // what holds the artifacts of experiments; nil takes them from Polyaxon's API
	Credentials    string // name of a kubernetes.io/dockerconfigjson Secret; empty for none
	GitCredentials string // name of a Secret with which another repository than that of the specs is fetched; empty for none
	Registry       Registry
	ServiceAccount string // of the pod; empty for that of the settings
	Attempt        int    // raised by people to build a failed build once more
	Timeout        time.Duration
	Resources      Resources
	Argo           Extra // merged into the Workflow
}

// Claim is a PersistentVolumeClaim, and the folder in it that holds a folder for each experiment; an empty Path is its root.
type Claim struct{ Name, Path string }

// Registry says how the registry of an image is reached: the zero value by TLS, trusting what everybody trusts.
type Registry struct {
	HTTP bool       // without TLS
	CA   *Authority // nil without one of its own
}

// Authority is where the certificate of an authority is: a key of a Secret or of a ConfigMap, one of which is named.
type Authority struct{ Secret, ConfigMap, Key string }

// Builder says what an image is made of, and by whom: buildah, unless BuildKit says otherwise.
type Builder struct {
	// S2I is the builder image of source-to-image; empty where a Dockerfile says all. Never with BuildKit.
	S2I string
	// Dockerfile is a path below the source. With S2I it goes on from what that makes; there, and only there, it may be empty.
	Dockerfile string
	BuildKit   bool
}

// Name is what the spec calls the builder: buildah, buildkit or s2i.
func (b Builder) Name() string {
	switch {
	case b.S2I != "":
		return "s2i"
	case b.BuildKit:
		return "buildkit"
	}
	return "buildah"
}
