package schema

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// words says what the shape takes.
func (s shape) words() string { return s.phrase(s.expr) }

// phrase says an expression of the definitions in words; what it has none for stays as it is written.
func (s shape) phrase(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		if words := expectation(e.Name); words != "" {
			return words
		}
		if definition, ok := s.definitions[e.Name]; ok {
			return s.phrase(definition)
		}
	case *ast.BinaryExpr:
		if e.Op == token.OR {
			return s.phrase(e.X) + " or " + s.phrase(e.Y)
		}
		if _, ok := e.Y.(*ast.StructLit); ok { // further rules about the same struct
			return s.phrase(e.X)
		}
	case *ast.StructLit:
		return structure(e)
	}
	return text(e)
}

// structure says which fields a struct has to have, or else may have.
func structure(e *ast.StructLit) string {
	var needed, all []string
	for _, d := range e.Elts {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, plain := fieldName(f)
		if !plain {
			return members(labelPattern(f))
		}
		all = append(all, name)
		if f.Constraint == token.NOT {
			needed = append(needed, name)
		}
	}
	if len(needed) > 0 {
		all = needed
	}
	if len(all) == 0 {
		return "{}"
	}
	return "a struct with " + quote(all)
}

// members says what the fields of a struct are that may have any name.
func members(pattern string) string {
	switch pattern {
	case "#Name":
		return "a struct of environments by name, such as {staging: {namespace: \"ml-staging\"}}"
	case "#Metric":
		return "a struct of bounds by metric, such as {accuracy: >=0.9}"
	case "#AnswerPath":
		return `a struct of bounds by the way to a number of the answer, such as {"data.ndarray.0.7": >=0.5}`
	case "#Parameter":
		return "a struct by name of parameter, {NAME: ...}"
	case "#Ordinal":
		return `a struct of releases by number, {"1": {...}}`
	}
	return "a struct by name, {NAME: ...}"
}

// thing is what a name that has to match a definition names.
func thing(pattern string) string {
	switch pattern {
	case "#Name":
		return "a model"
	case "#Parameter":
		return "a parameter"
	case "#Metric":
		return "a metric"
	case "#AnswerPath":
		return "a number of the answer"
	case "#LabelKey":
		return "a label"
	case "#Ordinal":
		return "a release"
	case "#Place":
		return "something retired"
	}
	return "this field"
}

// expectation says in words what a definition takes; "" where its own text says it.
func expectation(definition string) string {
	switch definition {
	case "string":
		return "text"
	case "int64":
		return "a whole number"
	case "#Name":
		return "lower-case letters, digits and dashes, a letter first, at most 40"
	case "#Parameter":
		return "letters, digits and _, no digit first"
	case "#Metric":
		return "a metric's name: letters, digits, _, . and -, no digit first"
	case "#AnswerPath":
		return `names and places joined by dots, such as "data.ndarray.0.7"`
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
		return "text, a bool or a number of at most 64 bits"
	case "#Limits":
		return "bounds on a number, such as >=0.9"
	case "#Text":
		return "text that is not empty"
	case "#Path":
		return `a path below the experiment's outputs folder, such as "model.dat"`
	case "#Pick":
		return `"latest" or the number of a release`
	case "#Share":
		return "a number between 0 and 1"
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
	}
	return structures(definition)
}

// structures says what the definitions with several ways are made of.
func structures(definition string) string {
	switch definition {
	case "_":
		return "any value"
	case "#SHA256":
		return "64 hexadecimal digits"
	case "#Ordinal":
		return `its number as text, such as "1"`
	case "#Digested":
		return "an image by digest, NAME@sha256:..."
	case "#Models":
		return "a struct of models by name, such as models: mnist: {...}"
	case "#Retired":
		return `a struct of reasons by name, such as retired: fraud: "replaced"`
	case "#Command":
		return `a list of texts such as ["python", "run.py"]`
	case "#Ties":
		return `a list such as [{metric: "loss", goal: "minimize"}]`
	case "#Search":
		return "random or grid, with a matrix, or mapping alone"
	case "#Source":
		return `path: "FOLDER" or git: {url, commit}`
	case "#Builder":
		return `buildah: {}, buildkit: {} or s2i: image: "IMAGE"`
	case "#Key":
		return "letters, digits, dashes, dots and underscores"
	case "#Origin":
		return `http: {} or pvc: claim: "NAME"`
	case "#Registry":
		return `ca: configMap: "NAME", ca: secret: "NAME" or http: true`
	case "#Authority":
		return `secret: "NAME" or configMap: "NAME"`
	case "#Dimension":
		return `a range such as linspace: "0.001:0.1:5", uniform: "0.5:0.6" or choice: [16, 32]`
	case "#Points":
		return "a list of points, at least one, such as [{lr: 0.1}, {lr: 0.2}]"
	case "#Choice":
		return "a list of values, at least one"
	case "#Shares":
		return `a list of values with probabilities, such as [["relu", 0.8], ["tanh", 0.2]]`
	case "#Extra":
		return "a struct that is merged into what Trefoil renders"
	case "#Place":
		return `a model, "fraud", or an environment of it, "fraud/staging"`
	}
	return sections(definition)
}

// sections says what larger parts of a model are made of.
func sections(definition string) string {
	switch definition {
	case "#Train":
		return "a struct with image, command, search and artifact"
	case "#Select":
		return "a struct with metric and goal"
	case "#Request":
		return "a request as a struct, such as {data: ndarray: [[1, 2]]}"
	}
	return ""
}
