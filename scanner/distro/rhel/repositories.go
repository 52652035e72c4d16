package rhel

import (
	"context"
	"errors"
	"fmt"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf/redhat"
)

// repositoriesURL is the table of the products of each repository.
const repositoriesURL = "https://security.access.redhat.com/data/meta/v1/repository-to-cpe.json"

// ImportRepositories reads Red Hat's table of repositories:
//
//	{data: {repository: {cpes: [cpe]}}}
func ImportRepositories(ctx context.Context, src *feed.Source, emit func(repository string, cpes []string) error) (stats feed.Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	j := feed.NewJSON(doc)
	isObject, err := j.Object(func(key string) error {
		if key != "data" {
			return j.Skip()
		}
		_, err := j.Object(func(repository string) error {
			return importRepository(j, doc.Name(), repository, &stats, emit)
		})
		return err
	})
	if err == nil {
		err = j.Finish()
	}
	if err == nil && (!isObject || stats.Rows == 0) {
		err = fmt.Errorf("%s: this is not Red Hat's table of repositories: no repository is in it", doc.Name())
	}
	return stats, err
}

func importRepository(j *feed.JSON, doc, repository string, stats *feed.Stats, emit func(string, []string) error) error {
	var entry struct {
		CPEs []string `json:"cpes"`
	}
	fits, err := j.Decode(&entry)
	if err != nil {
		return err
	}
	if !fits || repository == "" {
		stats.Report(doc+": "+repository, "its members are not what the table has")
		return nil
	}
	if err := emit(repository, redhat.RepositoryCPEs(entry.CPEs)); err != nil {
		return err
	}
	stats.Rows++
	return nil
}
