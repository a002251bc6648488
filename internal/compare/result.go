package compare

import "time"

// Field is a part of an object that is not what it should be.
type Field struct {
	Path      Path
	Live, Git any // nil where there is none
	Cause     Cause
	// Manager is who wrote Live, as the engine names them, and Time is when. They are empty for what is ours, and where nobody is
	// named: who takes something away leaves no trace there.
	Manager string
	Time    time.Time
}

// Cause is why live differs from git.
type Cause string

// The causes.
const (
	Changed Cause = ""      // git asks for something else than was applied
	Drift   Cause = "drift" // somebody changed live
	Later   Cause = "later" // git asks for something else, of what is created once: the next one has it
)

// Result is what the comparison of one object came to. The zero Result is an object that is as it should be.
type Result struct {
	// Live is the part of the live object that matters, nil where there is none; Git is that of what git would make of it.
	Live, Git map[string]any
	Fields    []Field // of an object that is there
	// Note says why what is not there can't be made as things are, such as a missing namespace; empty where it can.
	Note string
	// Err is why the object could not be compared; then the rest is empty.
	Err error
}

// New reports whether there is no such object yet.
func (r Result) New() bool { return r.Live == nil && r.Git != nil }
