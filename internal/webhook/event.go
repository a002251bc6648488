package webhook

import (
	"encoding/json"
	"net/url"
	"strings"
)

// event is what a body may say about where something happened. Git servers call the repository one or the other.
type event struct {
	Ref        string `json:"ref"`
	Repository place  `json:"repository"`
	Project    place  `json:"project"`
}

// place has the fields in which git servers give the ways to a repository.
type place struct {
	URL        string `json:"url"`
	CloneURL   string `json:"clone_url"`
	SSHURL     string `json:"ssh_url"`
	GitURL     string `json:"git_url"`
	HTMLURL    string `json:"html_url"`
	WebURL     string `json:"web_url"`
	Homepage   string `json:"homepage"`
	HTTPURL    string `json:"http_url"`
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
}

func (p place) urls() []string {
	return []string{p.URL, p.CloneURL, p.SSHURL, p.GitURL, p.HTMLURL, p.WebURL, p.Homepage, p.HTTPURL, p.GitHTTPURL, p.GitSSHURL}
}

// foreign says what the body is about where that is certainly not the branch of the repository; empty where it may be. In doubt somebody
// looks: a look too many costs one listing, and one too few leaves a push to the poll.
func foreign(body []byte, repository, branch string) string {
	var e event
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	known := false
	ours := path(repository)
	for _, location := range append(e.Repository.urls(), e.Project.urls()...) {
		there := path(location)
		if there != "" && same(there, ours) {
			return foreignRef(e.Ref, branch)
		}
		known = known || there != ""
	}
	if known {
		return "another repository"
	}
	return foreignRef(e.Ref, branch)
}

func foreignRef(ref, branch string) string {
	if ref == "" || ref == branch || ref == "refs/heads/"+branch {
		return ""
	}
	return "another branch, or a tag"
}

// path is where a repository is on its server: what is left of a URL without scheme, user, host, port, ".git" and slashes at the ends, in
// lower case. The host does not matter, as the one that people use is often not the one by which a daemon in the cluster goes.
func path(location string) string {
	found := ""
	if strings.Contains(location, "://") {
		if u, err := url.Parse(location); err == nil {
			found = u.Path
		}
	} else {
		_, found, _ = strings.Cut(location, ":") // git@HOST:PATH
	}
	found = strings.TrimSuffix(strings.Trim(found, "/"), ".git")
	return strings.ToLower(strings.Trim(found, "/"))
}

// same reports whether two paths may be of one repository: a server may have a folder before it that another way there lacks.
func same(a, b string) bool {
	return a == b || strings.HasSuffix(a, "/"+b) || strings.HasSuffix(b, "/"+a)
}
