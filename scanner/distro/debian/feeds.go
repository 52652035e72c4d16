package debian

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// rawRepository has the files of the security tracker's repository.
const rawRepository = "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master"

// feeds lists the feeds. The lists of advisories know only what was fixed, and
// when they were written; of the releases that the tracker has, it knows more.
// What Extended LTS fixed nobody else says.
func feeds() []feed.Feed {
	return []feed.Feed{
		{Name: ID, URL: "https://security-tracker.debian.org/tracker/data/json", Records: Import, Form: form},
		{Name: "debian-dsa", URL: rawRepository + "/data/DSA/list", Records: ImportList, Supplements: ID},
		{Name: "debian-dla", URL: rawRepository + "/data/DLA/list", Records: ImportList, Supplements: ID},
		{Name: "debian-elts", URL: "https://github.com/captn3m0/debian-elts-advisories/archive/HEAD.tar.gz", Records: ImportExtended},
	}
}

// listHead is how a list of advisories begins.
var listHead = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*\[[0-9]{2} [A-Z][a-z]{2} [0-9]{4}\] D[SL]A-`) })

// form tells which of the feeds a file or directory is.
func form(ctx context.Context, src *feed.Source) (feed.Feed, error) {
	var name string
	found, err := src.Probe(ctx, func(file, head string) bool {
		keys := feed.Keys(head)
		switch single := file == src.Location(); {
		case slices.Contains(keys, "modified"): // of OSV; no source package is called so
			name = "debian-elts"
		case single && listHead().MatchString(head):
			name = "debian-dsa"
		case single && strings.HasPrefix(strings.TrimSpace(head), "{"):
			name = ID
		}
		return name != ""
	})
	if err != nil {
		return feed.Feed{}, err
	}
	if !found {
		return feed.Feed{}, fmt.Errorf("%s: it is not known as something of Debian; that would be the JSON of the security tracker, one of its lists data/DSA/list and data/DLA/list, "+
			"or OSV records of Extended LTS, as a directory or a zip or tar archive", src.Location())
	}
	list := feeds()
	return list[slices.IndexFunc(list, func(f feed.Feed) bool { return f.Name == name })], nil
}
