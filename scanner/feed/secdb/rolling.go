package secdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// Rolling gives the importer of a rolling distribution, whose only document is
// about a repository. An id of GitHub's stays beside the CVE id that it may be
// another name of: the document does not say which belong together.
func Rolling(distro, repository string) feed.Importer {
	return func(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
		doc, err := src.Open(ctx, "")
		if err != nil {
			return stats, err
		}
		defer func() { err = errors.Join(err, doc.Close()) }()
		r := &Reader{Record: advisory.Record{Distro: distro}, Rolling: true, Emit: emit, Stats: &stats}
		r.Start = func(h Header) error {
			if h.Distroversion != "" || h.Reponame != repository {
				return fmt.Errorf("it does not say that it is for the repository %q of a rolling distribution", repository)
			}
			return nil
		}
		err = r.Read(doc)
		if err == nil && stats.Rows == 0 {
			err = fmt.Errorf("%s: no advisory is in it", doc.Name())
		}
		return stats, err
	}
}
