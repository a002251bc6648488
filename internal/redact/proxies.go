package redact

import (
	"encoding/base64"
	"net/url"
	"os"
	"strings"
)

// OfProxies are the passwords of the proxies that the environment names, and what is sent of them: errors on the way quote both.
func OfProxies() []string {
	var all []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := os.Getenv(name)
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		at, err := url.Parse(value)
		if err != nil {
			all = append(all, value)
			continue
		}
		all = append(all, OfURL(at)...)
	}
	return all
}

// OfURL is the password in a URL, and what is sent of it; nothing where there is none, or no URL.
func OfURL(u *url.URL) []string {
	if u == nil {
		return nil
	}
	password, ok := u.User.Password()
	if !ok {
		return nil
	}
	return []string{password, base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))}
}
