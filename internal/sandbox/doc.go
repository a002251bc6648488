// Package sandbox evaluates CUE in a child process, because a file of 46 bytes can make any process that evaluates it take all
// memory or never end, and CUE has no limits that one could set.
//
// [Sandbox] is the parent: its Evaluate is a schema.Evaluator. [Serve] is the child, which is the same binary. They talk in lines
// of JSON over pipes:
//
//	parent  {"Files": [...]}        what to judge
//	child   {"Reading": "a.cue"}    before each file
//	child   {"Survey": {...}}       the units that the files are made of
//	parent  {"Judge": [3, 4, 7]}    those that come next of those that it has no verdict on yet, again and again
//	child   {"Apart": true}         where something is wrong with one of several: each is judged on its own
//	child   {"Verdict": {...}}      for each, in that order
//
// So it is known what a child died of: the file or unit that is next, or one of those that were judged together. These are then judged
// one by one. A unit that fails is tried once more, after all others; what fails then is not evaluated again until its text changes.
// The child has no environment, no folder, no registry, few files, and ends when its parent does.
//
// Several children share the units where there are many. What they said lives on in a [Store]: about the same files nobody is asked
// again, and about other ones only what changed.
package sandbox
