package webhook

import "testing"

// TestForeign has bodies as the git servers send them, as far as it matters, and the ways by which a daemon may follow a repository.
func TestForeign(t *testing.T) {
	const (
		gitHub = `{"ref": "refs/heads/main", "repository": {"url": "https://github.com/ML/models",
			"html_url": "https://github.com/ML/models", "ssh_url": "git@github.com:ML/models.git", "clone_url": "https://github.com/ML/models.git", "git_url": "git://github.com/ML/models.git"}}`
		gitLab = `{"object_kind": "push", "ref": "refs/heads/main", "project": {"web_url": "https://gitlab.example.com/a/ML/models",
			"git_ssh_url": "ssh://git@gitlab.example.com:2222/a/ML/models.git", "git_http_url": "https://gitlab.example.com/a/ML/models.git"},
			"repository": {"url": "git@gitlab.example.com:a/ML/models.git", "homepage": "https://gitlab.example.com/a/ML/models"}}`
		bitbucket = `{"push": {"changes": [{"new": {"name": "main"}}]},
			"repository": {"links": {"html": {"href": "https://bitbucket.org/ml/others"}}}}`
		other  = "another repository"
		branch = "another branch, or a tag"
	)
	for _, tc := range []struct{ name, body, repository, want string }{
		{"as it is", gitHub, "https://github.com/ML/models.git", ""},
		{"without .git", gitHub, "https://github.com/ML/models", ""},
		{"with a slash", gitHub, "https://github.com/ML/models.git/", ""},
		{"in another case", gitHub, "https://GitHub.com/ml/Models.git", ""},
		{"by ssh", gitHub, "ssh://git@ssh.github.com:443/ML/models.git", ""},
		{"by another host and scheme", gitHub, "http://127.0.0.1:3000/ml/models", ""},
		{"below a folder", gitHub, "https://proxy.example.com/github/ml/models.git", ""},
		{"on disk", gitHub, "file:///var/lib/gitea/repositories/ml/models.git", ""},
		{"GitLab", gitLab, "https://gitlab.example.com/a/ml/models.git", ""},
		{"GitLab by ssh", gitLab, "ssh://git@gitlab.example.com:2222/a/ml/models.git", ""},
		{"of a neighbour", gitHub, "https://github.com/ML/other-models.git", other},
		{"that ends alike", gitHub, "https://github.com/XML/models.git", other},
		{"a fork", gitHub, "https://github.com/mallory/models.git", other},
		{"GitLab, of another group", gitLab, "https://gitlab.example.com/b/ml/models.git", other},
		{"in words that are not known", bitbucket, "https://bitbucket.org/ml/models.git", ""},
		{"a branch", `{"ref": "refs/heads/topic"}`, "https://github.com/ML/models.git", branch},
		{"a branch that begins alike", `{"ref": "refs/heads/main/x"}`, "https://github.com/ML/models.git", branch},
		{"a tag", `{"ref": "refs/tags/main"}`, "https://github.com/ML/models.git", branch},
		{"a branch by its short name", `{"ref": "topic", "ref_type": "branch"}`, "https://github.com/ML/models.git", branch},
		{"ours by its short name", `{"ref": "main", "ref_type": "branch"}`, "https://github.com/ML/models.git", ""},
		{"other fields", `{"action": "opened"}`, "https://github.com/ML/models.git", ""},
		{"other types", `{"ref": 1, "repository": []}`, "https://github.com/ML/models.git", ""},
		{"no URL", `{"repository": {"url": "models"}}`, "https://github.com/ML/models.git", ""},
		{"no path", `{"repository": {"url": "https://github.com/"}}`, "https://github.com/ML/models.git", ""},
		{"a URL that can't be read", `{"repository": {"url": "https://%zz/x"}}`, "https://github.com/ML/models.git", ""},
		{"no JSON", "payload=%7B%7D", "https://github.com/ML/models.git", ""},
		{"nothing", "", "https://github.com/ML/models.git", ""},
	} {
		if got := foreign([]byte(tc.body), tc.repository, "main"); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
