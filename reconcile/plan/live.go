package plan

import (
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Live is what the engines hold of ours: only objects that carry the label of this repository, in all namespaces.
type Live struct {
	// Objects has more than one entry for a Ref only where an engine allows two objects of a name, as Polyaxon does.
	Objects map[render.Ref][]Observed
	// Unknown says why a kind could not be observed. Nothing of such a kind is created, stopped or deleted.
	Unknown map[render.Kind]string
	// Absent are the unknown kinds of which there can be no objects, because the engine does not have them at all.
	Absent map[render.Kind]bool
}

// Phase is how far an object is.
type Phase string

// The phases of an Observed.
const (
	Running   Phase = "Running"   // not done: waiting, working, or rolling out
	Succeeded Phase = "Succeeded" // a Search: all its experiments have ended, however; a SeldonDeployment: serves what Digest asks for
	Failed    Phase = "Failed"
	Stopped   Phase = "Stopped" // a Search that somebody stopped: never ranked
)

// Observed is a live object.
type Observed struct {
	Ref         render.Ref
	Model       string
	Environment string
	Release     int           // that a Workflow was made for or a SeldonDeployment serves, as its label says; 0 when garbled
	Attempt     int           // of the build that a Workflow is, as its annotation says; 0 when garbled
	Digest      schema.Digest // as its annotation or meta_info says; empty when garbled
	// Owned are those render.Leaves of a SeldonDeployment that nobody else has written since we applied them, sorted; nil where the
	// engine does not tell. Its digest says what was applied, and not what is there.
	Owned []string
	// UID is Kubernetes' uid, or the uuid of a Polyaxon run (32 hexadecimal digits).
	UID string
	// Seen is the state that was observed: the resourceVersion, or for a Search the UID. Acting compares it first.
	Seen    string
	Created time.Time
	// Ended is when the phase became final; zero before. It dates commits.
	Ended   time.Time
	Phase   Phase
	Message string // the engine's own words on the phase, one line; may be empty
	// Log is the end of what the container printed that failed, of a Failed Workflow: lines of printable text; empty where nobody knows.
	Log string
	// Stuck says of a Running Workflow that a pod of it waits for what may never come, such as its image, and that nothing is being built.
	Stuck bool
	// Ending says that it is being stopped or deleted already: nothing more is to be done about it but to wait.
	Ending bool
	// Experiments are those of a Search, sorted by Created, then UID.
	Experiments []Experiment
	// Image is what a Succeeded Workflow pushed, or what a SeldonDeployment asks for: repository@sha256:... Of a Workflow whose
	// own word of the repository is garbled it begins with the @.
	Image string
	// Answer is that of the model behind a SeldonDeployment to what it was asked last; nil for none.
	Answer *Answer
	// Claim is the content of a Claim.
	Claim render.ClaimData
}

// Experiment is one run of a Search.
type Experiment struct {
	UID     string
	Created time.Time
	Ended   time.Time // zero before
	Phase   Phase
	Params  map[string]any     // string, bool, int64 or float64
	Metrics map[string]float64 // only numbers, also NaN and infinities
	// Artifacts are the sha256 of files below the outputs folder as far as a Fetch has found them out, by path.
	Artifacts map[string]string
}
