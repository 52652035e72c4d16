package ubuntu

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// maxUnpacked is what the archive of OSV records may have, in bytes: kernels are
// in most of them, each with all its flavours.
const maxUnpacked = 16 << 30

// The names of the feeds beside the one that is called as the distribution.
const (
	nameOVAL    = "ubuntu-oval"
	nameTracker = "ubuntu-cve-tracker"
)

// feeds lists the feeds. OSV has no word for a package that nobody looked at
// yet, and calls it one with the vulnerability; so it does with many that are
// ignored. It counts for the releases of which there is no OVAL, which knows
// better.
func feeds() []feed.Feed {
	return []feed.Feed{
		{Name: ID, URL: "https://security-metadata.canonical.com/osv/osv-all.tar.xz", Records: ImportOSV, Supplements: nameOVAL, Form: form, MaxUnpacked: maxUnpacked},
		{Name: nameOVAL, URL: "https://security-metadata.canonical.com/oval", Records: ImportOVAL},
		{Name: nameTracker, URL: "https://git.launchpad.net/ubuntu-cve-tracker/snapshot/ubuntu-cve-tracker-master.tar.gz", Records: ImportTracker},
	}
}

// form tells which of the feeds a file or directory is.
func form(ctx context.Context, src *feed.Source) (feed.Feed, error) {
	var of feed.Feed
	found, err := src.Probe(ctx, func(name, head string) bool {
		of = formOf(name, head, name == src.Location())
		return of.Records != nil
	})
	if err != nil {
		return feed.Feed{}, err
	}
	if !found {
		return feed.Feed{}, fmt.Errorf("%s: it is not known as something of Ubuntu; that would be OSV records, one or a directory or a zip or tar archive of them; OVAL by vulnerability, one document or a directory of com.ubuntu.<codename>.cve.oval.xml; "+
			"or the CVE tracker, as JSON Lines, or its tree with the directories active and retired, or a zip or tar archive of that", src.Location())
	}
	return of, nil
}

// formOf gives the feed of what has the file, which begins so and may be all
// there is; one without an importer if the file is in none of the forms.
func formOf(name, head string, single bool) feed.Feed {
	keys := feed.Keys(head)
	switch base := path.Base(name); {
	case slices.Contains(keys, "cve") && (single || isTrackerFile(name)),
		single && strings.Contains("\n"+head, "\nCandidate:"), isTrackerFile(name) && strings.HasPrefix(base, "CVE-"):
		return feed.Feed{Name: nameTracker, Records: ImportTracker}
	case slices.Contains(keys, "id") && (single || strings.HasSuffix(base, ".json")):
		return feed.Feed{Name: ID, Records: ImportOSV, Supplements: nameOVAL}
	case single && strings.Contains(head, "<oval_definitions"):
		return feed.Feed{Name: nameOVAL, Records: importDocument}
	case !single && strings.Contains(base, ".oval.xml"):
		return feed.Feed{Name: nameOVAL, Records: ImportOVAL}
	}
	return feed.Feed{}
}
