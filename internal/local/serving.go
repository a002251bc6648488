package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// variables are what a serving source says of itself in .s2i/environment, as s2i reads it.
type variables struct {
	env         []string // NAME=value
	model       string   // the class, or MODULE.CLASS, that serves
	serviceType string
}

// command is how Seldon's own server is started on it.
func (v variables) command() []string {
	return []string{"seldon-core-microservice", v.model, "--service-type", v.serviceType}
}

// serving reads a serving source. What it does not say is guessed only where there is no choice: one file with the name of a class.
func serving(dir string) (variables, error) {
	v := variables{serviceType: "MODEL"}
	text, err := os.ReadFile(filepath.Join(dir, ".s2i", "environment"))
	if err != nil && !os.IsNotExist(err) {
		return v, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !found || strings.HasPrefix(line, "#") || name == "" {
			continue
		}
		value = strings.TrimSpace(value)
		v.env = append(v.env, name+"="+value)
		switch name {
		case "MODEL_NAME":
			v.model = value
		case "SERVICE_TYPE":
			v.serviceType = value
		}
	}
	if v.model == "" {
		v.model, err = onlyClass(dir)
	}
	return v, err
}

// onlyClass is the name of the one Python file that begins with a capital letter, as files of serving classes do.
func onlyClass(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "[A-Z]*.py"))
	if err != nil || len(files) != 1 {
		return "", errors.New("which class serves is not known: write MODEL_NAME=CLASS into .s2i/environment of the serving source")
	}
	return strings.TrimSuffix(filepath.Base(files[0]), ".py"), nil
}
