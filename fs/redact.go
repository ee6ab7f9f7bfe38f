package fs

import (
	"net/url"
	"strings"
)

const hidden = "xxxxx"

// secretParts mark a query parameter as a secret when its name holds one:
// signatures of presigned URLs, SAS tokens, API keys, passwords.
var secretParts = []string{"sig", "token", "secret", "passw", "pwd", "credential", "key", "auth", "session", "policy", "jwt"}

// Redact replaces the secrets of a URL: the password before the host (over
// HTTP the user name too when it stands alone, since tokens are given so) and
// the values of query parameters that look like keys or signatures. It never
// fails: text that is no URL is treated with the same suspicion. A plain path
// is returned as it is.
func Redact(rawURL string) string {
	i := strings.Index(rawURL, "://")
	if i < 0 {
		return rawURL
	}
	head, rest := rawURL[:i+3], rawURL[i+3:]
	return head + redactQuery(redactUser(strings.ToLower(rawURL[:i]), rest))
}

func redactUser(scheme, rest string) string {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		// A password with an unescaped slash moves the "@" behind the first
		// one. "host:port/…@…" is a path with an "@" in it.
		_, port, ok := strings.Cut(rest[:end], ":")
		if !ok || strings.Trim(port, "0123456789") == "" || strings.HasPrefix(rest, "[") {
			return rest
		}
		if at = strings.LastIndexByte(rest, '@'); at < 0 {
			return rest
		}
	}
	user, _, ok := strings.Cut(rest[:at], ":")
	switch {
	case ok:
		return user + ":" + hidden + rest[at:]
	case scheme == "http" || scheme == "https":
		return hidden + rest[at:]
	}
	return rest
}

func redactQuery(rest string) string {
	i := strings.IndexByte(rest, '?')
	if i < 0 {
		return rest
	}
	query, frag, hasFrag := strings.Cut(rest[i+1:], "#")
	parts := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	changed := false
	for j, p := range parts {
		k, _, ok := strings.Cut(p, "=")
		if ok && secretName(k) {
			parts[j] = k + "=" + hidden
			changed = true
		}
	}
	if !changed {
		return rest
	}
	rest = rest[:i+1] + strings.Join(parts, "&")
	if hasFrag {
		rest += "#" + frag
	}
	return rest
}

func secretName(k string) bool {
	if d, err := url.QueryUnescape(k); err == nil {
		k = d
	}
	k = strings.ToLower(k)
	for _, s := range secretParts {
		if strings.Contains(k, s) {
			return true
		}
	}
	return false
}
