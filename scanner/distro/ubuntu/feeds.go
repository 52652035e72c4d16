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

func feeds() []feed.Feed {
	return []feed.Feed{
		{Name: ID, URL: "https://security-metadata.canonical.com/osv/osv-all.tar.xz", Records: ImportOSV, Form: form, MaxUnpacked: maxUnpacked},
		{Name: "ubuntu-oval", URL: "https://security-metadata.canonical.com/oval", Records: ImportOVAL},
		{Name: "ubuntu-cve-tracker", URL: "https://git.launchpad.net/ubuntu-cve-tracker/snapshot/ubuntu-cve-tracker-master.tar.gz", Records: ImportTracker},
	}
}

// form tells which of the feeds a file or directory is.
func form(ctx context.Context, src *feed.Source) (feed.Feed, error) {
	var importer feed.Importer
	found, err := src.Probe(ctx, func(name, head string) bool {
		importer = formOf(name, head, name == src.Location())
		return importer != nil
	})
	if err != nil {
		return feed.Feed{}, err
	}
	if !found {
		return feed.Feed{}, fmt.Errorf("%s: it is not known as something of Ubuntu; that would be OSV records, one or a directory or a zip or tar archive of them; OVAL by vulnerability, one document or a directory of com.ubuntu.<codename>.cve.oval.xml; "+
			"or the CVE tracker, as JSON Lines, or its tree with the directories active and retired, or a zip or tar archive of that", src.Location())
	}
	return feed.Feed{Name: ID, Records: importer}, nil
}

// formOf gives the importer of what has the file, which begins so and may be all
// there is; nil if the file is in none of the forms.
func formOf(name, head string, single bool) feed.Importer {
	keys := feed.Keys(head)
	switch base := path.Base(name); {
	case slices.Contains(keys, "cve") && (single || isTrackerFile(name)):
		return ImportTracker
	case single && strings.Contains("\n"+head, "\nCandidate:"), isTrackerFile(name) && strings.HasPrefix(base, "CVE-"):
		return ImportTracker
	case slices.Contains(keys, "id") && (single || strings.HasSuffix(base, ".json")):
		return ImportOSV
	case single && strings.Contains(head, "<oval_definitions"):
		return importDocument
	case !single && strings.Contains(base, ".oval.xml"):
		return ImportOVAL
	}
	return nil
}
