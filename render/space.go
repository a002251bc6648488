package render

import (
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// CreateTimeout is how long Polyaxon may take to create a search: it makes all experiments inside the call, up to 0.1 s each,
// and shows nothing before it is through. A shorter time-out leaves a search behind that nobody waits for.
func CreateTimeout(experiments int) time.Duration {
	return 30*time.Second + time.Duration(experiments)*150*time.Millisecond
}

// Experiments is how many experiments the search of a model starts: all points of a grid or the number asked for if that is
// less, the number asked for of a random search unless its space has fewer points, every point of a mapping. It stops
// counting at math.MaxInt32.
func Experiments(m schema.Model) int {
	s := m.Train.Search
	if s.Kind == schema.Mapping || s.Experiments <= 0 {
		return s.Points()
	}
	return min(s.Experiments, s.Points())
}
