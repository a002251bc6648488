package plan

// Revision is the hash of a commit, 40 hexadecimal digits.
type Revision string

// Short is the abbreviated hash that people read.
func (r Revision) Short() string { return string(r[:min(len(r), 7)]) }
