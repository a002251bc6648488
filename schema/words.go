package schema

// words says what the shape takes: in words for a definition, else in CUE's.
func (s shape) words() string {
	if w := expectation(s.definition()); w != "" {
		return w
	}
	for range s.fieldsOf(s.expr) {
		if !s.alternatives() {
			return "a struct"
		}
	}
	return text(s.expr)
}

// thing is what a name that has to match a definition names.
func thing(pattern string) string {
	switch pattern {
	case "#Name":
		return "a model or an environment"
	case "#Parameter":
		return "a parameter"
	case "#Metric":
		return "a metric"
	case "#LabelKey":
		return "a label"
	case "#Place":
		return "something retired"
	}
	return "this field"
}

// expectation says in words what a definition takes; "" where its own text says it.
func expectation(definition string) string {
	switch definition {
	case "#Name":
		return "lower-case letters, digits and dashes, a letter first, at most 40"
	case "#Parameter":
		return "letters, digits and _, no digit first"
	case "#Metric":
		return "a metric's name: letters, digits, _, . and -, no digit first"
	case "#LabelKey", "#LabelValue":
		return "letters, digits, -, _ and ., at most 63"
	case "#DNSLabel":
		return "lower-case letters, digits and dashes, at most 63"
	case "#DNSName":
		return "lower-case letters, digits, dashes and dots"
	case "#Quantity":
		return `a Kubernetes quantity as text, such as "500m" or "4Gi"`
	case "#Duration":
		return `a duration such as "30m" or "1h30m"`
	case "#Value":
		return "text, a bool or a number"
	case "#Limits":
		return "bounds on a number, such as >=0.9"
	case "#Text":
		return "text that is not empty"
	case "#Pick":
		return `"latest" or the number of a release`
	case "#Number":
		return "a number"
	case "#Count":
		return "a whole number, at least 1"
	case "#Tally":
		return "a whole number, at least 0"
	case "#Goal":
		return `"maximize" or "minimize"`
	case "#UUID":
		return "32 hexadecimal digits"
	case "#Commit":
		return "a commit, 40 hexadecimal digits"
	case "#SHA256":
		return "64 hexadecimal digits"
	}
	return structures(definition)
}

// structures says what the definitions with several ways are made of.
func structures(definition string) string {
	switch definition {
	case "#Search":
		return "random or grid, with a matrix, or mapping alone"
	case "#Source":
		return `path: "FOLDER" or git: {url, commit}`
	case "#Builder":
		return `s2i: image: "IMAGE" or buildah: {}`
	case "#Dimension":
		return `such as linspace: "0.001:0.1:5", uniform: "0.5:0.6" or choice: [16, 32]`
	case "#Points":
		return "a list of points, at least one, such as [{lr: 0.1}, {lr: 0.2}]"
	case "#Choice":
		return "a list of values, at least one"
	case "#Shares":
		return `a list of values with probabilities, such as [["relu", 0.8], ["tanh", 0.2]]`
	case "#Place":
		return `a model, "fraud", or an environment of it, "fraud/staging"`
	case "#Train":
		return "image, command, search and artifact"
	case "#Select":
		return "metric and goal"
	}
	return ""
}
