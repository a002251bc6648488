package schema

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/literal"
)

// reworded is what people meant by a value that doesn't fit, "" where nobody can tell.
func reworded(definition, text string) string {
	plain, err := literal.Unquote(text)
	if err != nil {
		plain = text
	}
	write := ""
	switch definition {
	case "#Quantity":
		if m := regexp.MustCompile(`^([0-9.]+)\s*([kKMGTPE])[iI]?[bB]?$`).FindStringSubmatch(plain); m != nil {
			write = strconv.Quote(m[1] + strings.ToUpper(m[2]) + "i")
		}
	case "#Duration":
		write = lasting(plain)
	case "#Share":
		if percent, found := strings.CutSuffix(plain, "%"); found {
			write = share(percent)
		}
	case "#Pick":
		write = regexp.MustCompile(`^\D*([1-9][0-9]{0,8})$`).ReplaceAllString(plain, "$1")
	case "#Pair", "#Triple":
		write = colons(plain)
	case "#Limits":
		if regexp.MustCompile(`^[<>]=?\s*[-+0-9.e]+$`).MatchString(plain) && plain != text {
			write = plain + ", without quotes"
		}
	}
	if write == "" || write == plain {
		return ""
	}
	return "write " + write
}

// wrapped is the hint for a value in the place of a struct that needs one field.
func wrapped(name, text string, s shape) string {
	field, single := strings.CutPrefix(s.words(), "a struct with ")
	if !single || text == "" || strings.ContainsAny(field, " {") || !slices.Contains(s.names(), field) || text == "true" || text == "false" {
		return ""
	}
	return fmt.Sprintf("write %s: {%s: %s}", name, field, text)
}

// below is the hint for a path that leaves the outputs folder, or names it.
func below(text string) string {
	plain, err := literal.Unquote(text)
	if err != nil {
		return ""
	}
	short := strings.TrimPrefix(strings.TrimLeft(path.Clean("/"+plain), "/"), "outputs/")
	if short == plain || !cleanRelative(short) {
		return ""
	}
	return fmt.Sprintf("write %q", short)
}

// words is the hint for a command that is one text, or holds something else than text.
func (x explainer) words(path []string, text string) string {
	for i := 0; x.list(path); i++ {
		elt := x.places.find(append(slices.Clone(path), strconv.Itoa(i))...)
		if elt == nil {
			return ""
		}
		if _, err := strconv.ParseFloat(elt.Text, 64); err == nil {
			return fmt.Sprintf("write %q", elt.Text)
		}
	}
	plain, err := literal.Unquote(text)
	if err != nil || strings.ContainsAny(plain, `'"`) {
		return ""
	}
	var list []string
	for _, word := range regexp.MustCompile(`(?:\{\{.*?\}\}|\S)+`).FindAllString(plain, -1) {
		list = append(list, strconv.Quote(word))
	}
	return "write [" + strings.Join(list, ", ") + "]"
}

// unquote is the hint for a range with a number in quotes.
func (x explainer) unquote(path []string) string {
	for i := 0; ; i++ {
		elt := x.places.find(append(slices.Clone(path), strconv.Itoa(i))...)
		if elt == nil {
			return ""
		}
		if plain, err := literal.Unquote(elt.Text); err == nil {
			return fmt.Sprintf("write %s without quotes", plain)
		}
	}
}

// lasting reads a number, and days.
func lasting(plain string) string {
	if _, err := strconv.ParseFloat(plain, 64); err == nil {
		return fmt.Sprintf("%q or %q", plain+"m", plain+"s")
	}
	if m := regexp.MustCompile(`^([0-9]+) *d(ays?)?$`).FindStringSubmatch(plain); m != nil {
		if days, err := strconv.Atoi(m[1]); err == nil {
			return strconv.Quote(strconv.Itoa(24*days) + "h")
		}
	}
	return ""
}

// share is a number of percent as a number between 0 and 1.
func share(percent string) string {
	f, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(f/100, 'g', 10, 64)
}

// colons is a range with colons where people wrote something else between its numbers.
func colons(plain string) string {
	number := `[-+]?[0-9.]+(?:e[-+]?[0-9]+)?`
	m := regexp.MustCompile(`^(` + number + `)\s*(?:-|,|;|\.\.|to| )\s*(` + number + `)(?:\s*(?:-|,|;|\.\.| )\s*(` + number + `))?$`).FindStringSubmatch(plain)
	switch {
	case m == nil:
		return ""
	case m[3] == "":
		return strconv.Quote(m[1] + ":" + m[2])
	}
	return strconv.Quote(m[1] + ":" + m[2] + ":" + m[3])
}

// renamed is our word for a field that Polyaxon, Kubernetes or other tools call something else; "" for none.
func renamed(name string) string {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
	case "deploy", "deployment", "deployments", "environments", "serving":
		return "serve"
	case "build", "packaging":
		return "package"
	case "training", "run":
		return "train"
	case "selection":
		return "select"
	case "cmd", "args":
		return "command"
	case "parameters", "declarations", "hyperparameters":
		return "params"
	case "hptuning":
		return "search"
	case "numruns", "nexperiments", "n", "trials":
		return "experiments"
	case "values":
		return "choice"
	case "pvalues":
		return "pchoice"
	case "min", "max", "low", "high":
		return "uniform"
	case "optimization", "direction":
		return "goal"
	case "branch", "ref", "revision", "tag":
		return "commit"
	case "output", "outputs", "model":
		return "artifact"
	case "folder", "dir", "directory":
		return "path"
	}
	return ""
}
