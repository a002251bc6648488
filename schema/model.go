package schema

import "time"

// Catalog is everything that one revision of a spec repository says. It is a plain value without CUE in it: what the planner
// decides on, comparable and printable.
type Catalog struct {
	// Models are the valid ones, sorted by name. A model with an error of its own is not among them; a finding names it.
	Models []Model
	// Selected holds what the daemon wrote, by name of the model; models that left `models` are still here (retired).
	Selected map[string]Selected
	// Retired are the models ("fraud") and environments ("fraud/staging") whose deletion people confirmed, with their reasons.
	Retired map[string]string
	// Findings are sorted by place. Only those of Severity Error freeze their Scope.
	Findings []Finding
	// Again says that time was too short to judge all of it: models with a finding that says so would be judged by another Load.
	Again bool
}

// Frozen returns the first error that freezes the environment of the model, the model or the whole revision, in the order of
// Findings. An empty environment asks for the model alone.
func (c Catalog) Frozen(model, environment string) (Finding, bool) {
	for i := range c.Findings { // which are many where a template is wrong, and large
		if f := &c.Findings[i]; f.Severity == Error && f.Scope.covers(Scope{model, environment}) {
			return *f, true
		}
	}
	return Finding{}, false
}

// Model is one entry of `models:`, with Trefoil's defaults filled in.
type Model struct {
	Name   string
	Owner  string
	Labels map[string]string
	Train  Train
	Select Select
	// Package is nil for a model whose releases need no image.
	Package *Package
	// Serve is sorted by name.
	Serve   []Environment
	Digests Digests
	// Places are where its fields were written.
	Places Places
}

// Digests identify what people wrote: two specs with the same digest ask for the same thing. Each is a Digest over JSON of the
// fields that it covers, in CUE's unified form but without Trefoil's defaults, so that a new default never retrains a fleet.
type Digests struct {
	Search  Digest // image, source tree, command, params, search space, kind, seed, artifact, revision
	Select  Digest // metric, goal, gate, ties, minimum share, hand pick
	Package Digest // image name, source tree, builder; empty where the model has no package
}

// Digest is "v1-" and 64 hexadecimal digits; the prefix is the version of the rules by which it was computed.
type Digest string

// Short is the digest as names of objects carry it: the version and twelve digits.
func (d Digest) Short() string { return string(d[:min(len(d), 15)]) }

// Source says where code comes from: a folder of the spec repository, another git repository at a commit, or, when zero, the
// image itself.
type Source struct {
	Path string // slash-separated, relative to the root of the repository, clean
	Tree string // git's tree hash of Path, 40 hexadecimal digits
	Git  *GitSource
}

// GitSource is a commit of a repository that only pods fetch, never the daemon.
type GitSource struct{ URL, Commit string }

// Train is the hyper-parameter search of a model.
type Train struct {
	Image   string
	Source  Source
	Command []string // templates of the form {{ name }}, over Params and Search.Matrix
	Params  []Param  // fixed parameters, sorted by name
	Search  Search
	// Artifact is the path of the trained model below the experiment's outputs folder.
	Artifact  string
	Resources Resources
	// Revision is raised by people to train again on new data; any text.
	Revision string
	// Timeout limits one experiment; 0 is no limit.
	Timeout time.Duration
	// Polyaxon is merged into the search's operation.
	Polyaxon Extra
}

// Param is a named value: string, bool, int64 or float64.
type Param struct {
	Name  string
	Value any
}

// SearchKind is how the points of a search are chosen.
type SearchKind string

// The kinds of search that Polyaxon's Community Edition runs.
const (
	Random  SearchKind = "random"
	Grid    SearchKind = "grid"
	Mapping SearchKind = "mapping"
)

// Search is the search space and how it is walked.
type Search struct {
	Kind SearchKind
	// Experiments is the number asked for; 0 for all of a grid. For mapping it is len(Mapping).
	Experiments int
	Seed        int64
	Concurrency int
	Matrix      []Dimension // sorted by name; none for mapping
	Mapping     [][]Param   // the points, each sorted by name; only for mapping
}

// Dimension is one parameter of the search space in Polyaxon's own words.
type Dimension struct {
	Name string
	Kind string // choice, pchoice, range, linspace, logspace, geomspace, uniform, loguniform, ...
	// Value is what people wrote: a string "a:b:c", a []any or a map[string]any of JSON values.
	Value any
}

// Resources are Kubernetes quantities by resource name.
type Resources struct{ Limits, Requests map[string]string }

// Goal is the direction of a metric.
type Goal string

// The two goals, in Polyaxon's words too.
const (
	Maximize Goal = "maximize"
	Minimize Goal = "minimize"
)

// Objective is a metric and the direction in which it is better.
type Objective struct {
	Metric string
	Goal   Goal
}

// Select says which experiment wins.
type Select struct {
	Objective
	Gate []Bound // sorted by metric and operator
	// Then breaks ties, in order; after it the oldest experiment wins, then the lowest uuid.
	Then []Objective
	// Minimum is the share of the search's experiments that have to succeed before one may win, in 0..1.
	Minimum float64
	// ByHand makes the daemon hold with a leader board until Experiment names a winner.
	ByHand     bool
	Experiment string
}

// Bound is one side of a gate: metric Op Value, with Op one of >=, >, <=, <.
type Bound struct {
	Metric string
	Op     string
	Value  float64
	Pos    Position
}

// Environment is a named place where a model is served.
type Environment struct {
	Name       string
	Namespace  string
	ObjectName string // name of the Seldon object: the model's unless overridden
	Release    int    // 0 follows `latest`
	Replicas   int    // not asked where Autoscale is there
	Autoscale  *Autoscale
	// Deadline is how long new replicas may take until they answer: a second to a day, 0 for ten minutes.
	Deadline  time.Duration
	Check     *Check // nil for none
	NoEngine  bool   // requests go to the model, not to Seldon's executor before it
	Resources Resources
	Waive     string // the reason why the gate is not asked here; empty when it is
	Seldon    Extra  // merged into the SeldonDeployment
}

// Check is a question for the model that an environment serves, and what its answer has to be like.
type Check struct {
	Data string // the request, JSON in one line
	// Expect are bounds on numbers of the answer, sorted. Metric is the way to one: names and places from 0, joined by dots. They have no
	// Pos.
	Expect []Bound
}

// Selected is the content of selected/NAME.cue.
type Selected struct {
	Latest   int // 0 while no release has an image
	Last     int // the highest number ever given
	Releases []Release
}

// Release returns the release with that number.
func (s Selected) Release(number int) (Release, bool) {
	for _, r := range s.Releases {
		if r.Number == number {
			return r, true
		}
	}
	return Release{}, false
}

// Release is a decision, numbered and append-only: which experiment answers which three digests.
type Release struct {
	Number     int
	Answers    Digests
	Experiment string             // uuid of the Polyaxon run, 32 hexadecimal digits
	Params     map[string]any     // string, bool, int64 or float64
	Metrics    map[string]float64 // finite
	Artifact   Artifact
	Commit     string // the tip that was planned on; the Workflow takes the serving source from it
	Image      string // repository@sha256:...; empty until the build is done
}

// Artifact is the trained model's file below the experiment's outputs folder and the sha256 of its bytes in hexadecimal.
type Artifact struct{ Path, SHA256 string }

// Holds reports whether a metric of that value is inside the bound. NaN is inside none.
func (b Bound) Holds(value float64) bool {
	switch b.Op {
	case ">=":
		return value >= b.Value
	case ">":
		return value > b.Value
	case "<=":
		return value <= b.Value
	case "<":
		return value < b.Value
	}
	return false
}
