package schema

import (
	"fmt"
	"regexp"
	"strings"
)

// The grammar of image names, as github.com/distribution/reference documents it and every registry client reads them.
const (
	hostGrammar = `(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`
	pathGrammar = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
	tagGrammar  = `(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?`
	maxImage    = 255 // characters of a name without tag and digest
)

// The same as expressions, which are read once: each model asks for them.
var (
	repositoryName = regexp.MustCompile(`^(?:` + hostGrammar + `/)?` + pathGrammar + `(?:/` + pathGrammar + `)*$`)
	imageName      = regexp.MustCompile(`^(?:` + hostGrammar + `/)?` + pathGrammar + `(?:/` + pathGrammar + `)*` + tagGrammar + `$`)
)

// image checks the name of an image that is used as it is written, with a tag or not. What a template stands for is not known here.
func (l *loader) image(name string, at ...string) {
	if !imageName.MatchString(anyTemplate.ReplaceAllString(name, "x")) {
		l.report(codeReference, respeltImage(name), at, "%s is %q, which is no name of an image", strings.Join(at, "."), name)
	}
}

// repository checks the name of an image that Trefoil builds.
func (l *loader) repository(name string, at ...string) {
	tail := name[strings.LastIndex(name, "/")+1:]
	switch {
	case strings.Contains(name, "{{"):
		l.report(codeReference, "templates are for train.image and train.command", at, "%s is %q, which is no name of an image", strings.Join(at, "."), name)
	case strings.ContainsAny(tail, ":@"):
		bare, _, _ := strings.Cut(tail, "@")
		bare, _, _ = strings.Cut(bare, ":")
		l.report(codeImage, fmt.Sprintf("write %q: Trefoil adds the digest of what it built", strings.TrimSuffix(name, tail)+bare), at, "image %q has a tag or digest", name)
	case len(name) > maxImage || !repositoryName.MatchString(name):
		l.report(codeReference, respeltImage(name), at, "%s is %q, which is no name of an image", strings.Join(at, "."), name)
	case !strings.Contains(name, "/"):
		l.warn(codeReference, fmt.Sprintf("write registry.example/%s, with your registry", name), at,
			"the image %q names no registry, so it would be pushed to docker.io/library, where few may", name)
	}
}

// respeltImage is what to write in place of a name that is none.
func respeltImage(name string) string {
	if _, bare, found := strings.Cut(name, "://"); found {
		return fmt.Sprintf("leave out the protocol: %q", bare)
	}
	host, path, found := strings.Cut(name, "/")
	if !found {
		host, path = "", name
	}
	other := strings.ReplaceAll(strings.ToLower(path), " ", "-")
	if found {
		other = strings.ToLower(host) + "/" + other
	}
	other = strings.Trim(other, "/:@-._")
	if imageName.MatchString(other) && other != name {
		return fmt.Sprintf("write %q", other)
	}
	return "such as registry.example/team/mnist: lower-case letters and digits, with single - _ . between, and / between parts"
}
