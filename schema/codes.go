package schema

import "maps"

// The codes of findings. They are stable: a code never changes its meaning, and one that is given up is not used again.
// 00 is reading, 01 the shape, 02 training, 03 sources, 04 selection, 05 packaging and serving, 06 what the daemon wrote,
// 07 what is added to rendered objects.
const (
	codeSyntax    = "TRF0001" // not CUE
	codeTooLarge  = "TRF0002" // a file above the size limit
	codePackage   = "TRF0004" // a file of another package
	codeImport    = "TRF0005" // an import outside CUE's standard library
	codeAttribute = "TRF0006" // an attribute that makes CUE read something else
	codeEvaluate  = "TRF0007" // CUE can't evaluate it
	codeVersion   = "TRF0008" // trefoil.cue is not this version's
	codePlace     = "TRF0009" // written in a file of another writer
	codeUnread    = "TRF0010" // a spec in a folder that nobody reads
	codeKilled    = "TRF0011" // evaluating it ends the process that does it
	codeUnjudged  = "TRF0012" // no time was left to evaluate it
	codeLimit     = "TRF0013" // more of something than is taken

	codeUnknown  = "TRF0101" // a field that doesn't exist
	codeMissing  = "TRF0102" // a field that is needed
	codeValue    = "TRF0103" // a value that doesn't fit
	codeConcrete = "TRF0104" // a value that is not decided
	codeName     = "TRF0105" // a name that Kubernetes would refuse
	codeExactly  = "TRF0106" // one of several, but none or more are there
	codeRequest  = "TRF0107" // a request that its limit refuses
	codeResource = "TRF0108" // a resource that Kubernetes refuses
	codeOwnLabel = "TRF0109" // a label that Trefoil writes

	codeTemplate  = "TRF0201" // {{ name }} stands for nothing
	codeUnused    = "TRF0202" // a dimension that the command doesn't use
	codeTwice     = "TRF0203" // a parameter that is fixed and searched
	codeMatrix    = "TRF0204" // a range that holds nothing or makes no sense
	codeGrid      = "TRF0205" // a distribution in a grid
	codeMapping   = "TRF0206" // points that don't have the same parameters
	codeAlgorithm = "TRF0207" // a search that Polyaxon's Community Edition doesn't run
	codeArtifact  = "TRF0208" // an artifact outside the outputs folder
	codeFewer     = "TRF0209" // fewer points than experiments
	codeMixed     = "TRF0210" // text and numbers in one parameter
	codePoint     = "TRF0211" // a point of a mapping that is there twice

	codePath      = "TRF0301" // a path that leaves the repository
	codeFolder    = "TRF0302" // a folder that isn't there
	codeSpecIn    = "TRF0303" // a source folder that holds spec files
	codeCommit    = "TRF0304" // a branch or tag where a commit is needed
	codeSourceURL = "TRF0305" // a source URL with credentials, or of a kind that pods don't fetch

	codeGate       = "TRF0401" // a gate that is no bound on a number
	codeHand       = "TRF0402" // a hand pick that nobody asks for
	codeUnmeasured = "TRF0403" // a metric that no release has
	codeApart      = "TRF0404" // a gate on the wrong side

	codeImage        = "TRF0501" // a package image with tag or digest
	codeNoImage      = "TRF0502" // served but never packaged
	codeNoSource     = "TRF0503" // packaged from nothing
	codeCollision    = "TRF0504" // two environments that are one object
	codeBelowGate    = "TRF0505" // a release that misses the gate
	codeReleaseGone  = "TRF0506" // a release that was removed
	codeReference    = "TRF0507" // a name that is none of an image
	codeComing       = "TRF0508" // a release that is still to come
	codeWaive        = "TRF0509" // a waiver of nothing
	codeIdle         = "TRF0510" // a package without an image
	codeRetiredInUse = "TRF0601" // retired and still in use
	codeLost         = "TRF0602" // numbers were given, and no release is there
	codeUnheard      = "TRF0603" // retired, and never there
)

// CodeNoSpec is of a repository in which no file says what the models are, such as an empty one.
const CodeNoSpec = "TRF0003"

// CodeExtra is of what people add to a rendered object and may not: package render finds it.
const CodeExtra = "TRF0701"

// Codes returns the title of each code that a finding can have: what docs/findings.md lists.
func Codes() map[string]string {
	all := map[string]string{}
	for _, titles := range []map[string]string{reading(), training(), serving()} {
		maps.Copy(all, titles)
	}
	return all
}

// reading are the titles of codes 00 and 01.
func reading() map[string]string {
	return map[string]string{
		codeSyntax:    "a file is not CUE",
		codeTooLarge:  "a file is too large",
		CodeNoSpec:    "the repository says nothing about models",
		codePackage:   "a file belongs to another package",
		codeImport:    "an import is not of CUE's standard library",
		codeAttribute: "an attribute makes CUE read something else",
		codeEvaluate:  "CUE can't evaluate it",
		codeVersion:   "trefoil.cue is of another version",
		codePlace:     "a field stands in another writer's file",
		codeUnread:    "a spec lies in a folder that nobody reads",
		codeKilled:    "evaluating it takes too much time or memory",
		codeUnjudged:  "no time was left to evaluate it",
		codeLimit:     "there is more of something than is taken",
		codeUnknown:   "a field is not known",
		codeMissing:   "a field is missing",
		codeValue:     "a value doesn't fit",
		codeConcrete:  "a value is not decided",
		codeName:      "a name can't be used in Kubernetes or Polyaxon",
		codeExactly:   "exactly one of several fields is needed",
		codeRequest:   "more of a resource is requested than its limit allows",
		codeResource:  "a resource is not one of Kubernetes",
		codeOwnLabel:  "a label is Trefoil's own",
	}
}

// training are the titles of codes 02 and 03.
func training() map[string]string {
	return map[string]string{
		codeTemplate:  "a template stands for nothing",
		codeUnused:    "a dimension is not used",
		codeTwice:     "a parameter is fixed and searched",
		codeMatrix:    "a range makes no sense",
		codeGrid:      "a grid can't walk a distribution",
		codeMapping:   "the points of a mapping differ in their parameters",
		codeAlgorithm: "a search algorithm is not supported",
		codeArtifact:  "an artifact lies outside the outputs folder",
		codeFewer:     "fewer experiments run than are asked for",
		codeMixed:     "the values of a parameter are not of one kind",
		codePoint:     "a point of a mapping is there twice",
		codePath:      "a path is not one of this repository",
		codeFolder:    "a source folder does not exist",
		codeSpecIn:    "a source folder holds spec files",
		codeCommit:    "a source names no commit",
		codeSourceURL: "a source URL can't be fetched",
	}
}

// serving are the titles of codes 04 to 07.
func serving() map[string]string {
	return map[string]string{
		codeGate:         "a gate is not made of bounds",
		codeHand:         "an experiment is picked, but not by hand",
		codeUnmeasured:   "no release has a metric",
		codeApart:        "the gate and the goal pull apart",
		codeImage:        "an image name has a tag or digest",
		codeNoImage:      "a model is served but not packaged",
		codeNoSource:     "a package has no source",
		codeCollision:    "two environments are the same object",
		codeBelowGate:    "a release misses the gate",
		codeReleaseGone:  "a release was removed",
		codeReference:    "an image name is not one",
		codeComing:       "a release, or its image, is still to come",
		codeWaive:        "a waiver switches nothing off",
		codeIdle:         "a package has no image",
		codeRetiredInUse: "something retired is in use",
		codeLost:         "releases that were recorded are gone",
		codeUnheard:      "something retired is not known",
		CodeExtra:        "an addition to a rendered object conflicts with it",
	}
}
