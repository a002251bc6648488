package schema

// Autoscale lets the load say how many replicas there are: Min to Max, both at least 1, so that each uses about CPU percent of the
// CPU that it asks for.
type Autoscale struct{ Min, Max, CPU int }

type rawAutoscale struct {
	Min *int
	Max int
	CPU *int
}

// autoscale fills in Trefoil's defaults; nil stays nil.
func (r *rawAutoscale) autoscale() *Autoscale {
	if r == nil {
		return nil
	}
	return &Autoscale{Min: valueOr(r.Min, 1), Max: r.Max, CPU: valueOr(r.CPU, 80)} // percent, as kubectl autoscale has it
}

// scaling checks how many replicas an environment has. A request of CPU may also come from a LimitRange, so that it is missing is no error.
func (l *loader) scaling(e Environment) {
	a := e.Autoscale
	if a == nil {
		return
	}
	if at := []string{"serve", e.Name, "autoscale"}; a.Min > a.Max {
		l.report(codeValue, "raise max, or lower min", at, "serve.%s.autoscale goes from %d replicas to %d", e.Name, a.Min, a.Max)
	} else if e.Resources.Requests["cpu"] == "" && e.Resources.Limits["cpu"] == "" {
		l.note(codeMissing, `write resources: requests: cpu: "500m", or have a LimitRange say it`, at,
			"%s scales by shares of the CPU that a replica requests, and it requests none", e.Name)
	}
}
