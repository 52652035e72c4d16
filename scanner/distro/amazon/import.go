package amazon

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// core is the repository of a release that all its images use.
type core struct {
	release string
	// mirrors is the document with the address of the repository.
	mirrors string
}

// cores lists those of the releases that the vendor serves from one place. The
// advisories in a repository are those of all architectures, whatever its own
// is.
func cores() []core {
	return []core{
		{"2", "2/core/latest/x86_64/mirror.list"},
		{"2023", "al2023/core/mirrors/latest/x86_64/mirror.list"},
	}
}

// catalog lists the topics of the extras of release 2.
const catalog = "2/extras-catalog.json"

// Import reads the updateinfo of the repositories of releases 2 and 2023, as they lie
// below https://cdn.amazonlinux.com: mirror.list gives the address of a
// repository, its repodata/repomd.xml the place of updateinfo and its SHA-256.
// Instead of a mirror.list there may be the updateinfo itself, which is how to
// put together a directory by hand:
//
//	2/core/updateinfo.xml[.gz]
//	2023/core/updateinfo.xml[.gz]
//	2/extras-catalog.json
//	2/extras/<topic>/updateinfo.xml[.gz]
//
// The addresses in a mirror.list are taken as paths below the source, so that a
// mirror of the whole tree works and no other host is asked.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	i := &importer{src: src, emit: emit, coreNames: map[string]bool{}}
	for _, c := range cores() {
		found, err := i.repository(ctx, c.mirrors, c.release+"/core", &updates{importer: i, release: c.release})
		switch {
		case err != nil:
			return i.stats, err
		case !found:
			i.stats.Report(src.Location(), "there is no %s: nothing will be known of Amazon Linux %s", c.mirrors, c.release)
		case c.release == "2":
			if err := i.extras(ctx); err != nil {
				return i.stats, err
			}
		}
	}
	if i.stats.Rows == 0 {
		return i.stats, fmt.Errorf("%s: these are not Amazon Linux's repositories: no advisory is in them", src.Location())
	}
	return i.stats, nil
}

// importRelease gives the importer of one updateinfo.xml: that of a release
// whose repository is not among the others any more.
func importRelease(release string) feed.Importer {
	return func(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
		i := &importer{src: src, emit: emit}
		err := i.updateinfo(ctx, "", "", &updates{importer: i, release: release})
		if err == nil && i.stats.Rows == 0 {
			err = fmt.Errorf("%s: no advisory is in it", src.Location())
		}
		return i.stats, err
	}
}

// importer reads repositories.
type importer struct {
	src   *feed.Source
	emit  func(advisory.Record) error
	stats feed.Stats
	// coreNames are the packages that the core of release 2 has advisories on.
	coreNames map[string]bool
}

// extras reads the repositories of all topics.
func (i *importer) extras(ctx context.Context) error {
	topics, err := i.topics(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		i.stats.Report(i.src.Location(), "there is no %s: nothing will be known of the packages of its topics", catalog)
		return nil
	}
	if err != nil {
		return err
	}
	for _, topic := range topics {
		place := "2/extras/" + topic
		found, err := i.repository(ctx, place+"/latest/x86_64/mirror.list", place, &updates{importer: i, release: "2", topic: topic})
		if err != nil {
			return err
		}
		if !found {
			i.stats.Report(i.src.Location(), "there is no repository of the topic %s", topic)
		}
	}
	return nil
}

// topics reads the names of the topics from the catalog.
func (i *importer) topics(ctx context.Context) (names []string, err error) {
	doc, err := i.src.Open(ctx, catalog)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	j := feed.NewJSON(doc)
	topic := func(n int) error {
		var t struct {
			Name string `json:"n"`
		}
		fits, err := j.Decode(&t)
		if err == nil && (!fits || !isTopic(t.Name)) {
			i.stats.Report(fmt.Sprintf("%s: topics[%d]", doc.Name(), n), "%q is not the name of a topic", t.Name)
			return nil
		}
		names = append(names, t.Name)
		return err
	}
	_, err = j.Object(func(key string) error {
		if key != "topics" {
			return j.Skip()
		}
		_, err := j.Array(topic)
		return err
	})
	if err == nil {
		err = j.Finish()
	}
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: it lists no topic", doc.Name())
	}
	return names, err
}

// isTopic tells a name that can stand in a path and in a CPE.
func isTopic(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '.' && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._+-", r)
	}) < 0
}

// repository reads the advisories of a repository, from the address in the
// mirror list or from the folder place. It is false if there is neither.
func (i *importer) repository(ctx context.Context, mirrors, place string, u *updates) (bool, error) {
	base, err := i.mirror(ctx, mirrors)
	if errors.Is(err, fs.ErrNotExist) {
		for _, name := range []string{"updateinfo.xml.gz", "updateinfo.xml"} {
			if err = i.updateinfo(ctx, path.Join(place, name), "", u); !errors.Is(err, fs.ErrNotExist) {
				return err == nil, err
			}
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	name, sum, err := i.repomd(ctx, path.Join(base, "repodata/repomd.xml"))
	if err != nil {
		return false, err
	}
	if name == "" { // A topic that never had an advisory.
		return true, nil
	}
	return true, i.updateinfo(ctx, path.Join(base, name), sum, u)
}

// mirror reads a mirror.list: lines with an address, the first of which counts.
func (i *importer) mirror(ctx context.Context, name string) (base string, err error) {
	doc, err := i.src.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	lines := bufio.NewScanner(io.LimitReader(doc, 64<<10))
	for lines.Scan() && base == "" {
		base = strings.TrimSpace(lines.Text())
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", doc.Name(), err)
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Path == "" {
		return "", fmt.Errorf("%s: this is not a list of mirrors: there is no address in it", doc.Name())
	}
	_, err = io.Copy(io.Discard, doc)
	return strings.Trim(u.Path, "/"), err
}

// repomd finds updateinfo in the index of a repository, with its SHA-256 in
// hexadecimal. The name is empty if the repository has none.
func (i *importer) repomd(ctx context.Context, name string) (location, sum string, err error) {
	doc, err := i.src.Open(ctx, name)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	var index struct {
		XMLName xml.Name `xml:"repomd"`
		Data    []struct {
			Type     string `xml:"type,attr"`
			Checksum struct {
				Type  string `xml:"type,attr"`
				Value string `xml:",chardata"`
			} `xml:"checksum"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	text, err := io.ReadAll(io.LimitReader(doc, maxRepomd))
	if err == nil {
		err = xml.Unmarshal(text, &index)
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: this is not the index of a repository: %w", doc.Name(), err)
	}
	for _, d := range index.Data {
		if d.Type != "updateinfo" {
			continue
		}
		if d.Checksum.Type == "sha256" {
			sum = strings.TrimSpace(d.Checksum.Value)
		}
		return d.Location.Href, sum, nil
	}
	return "", "", nil
}

// maxRepomd is the number of bytes of an index that are read. Real ones have a
// few thousand.
const maxRepomd = 1 << 20
