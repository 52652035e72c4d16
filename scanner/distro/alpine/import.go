package alpine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// vulnerabilityPage is where Alpine describes a CVE.
const vulnerabilityPage = "https://security.alpinelinux.org/vuln/"

// branchName is the name of a branch's folder in secdb. Like all expressions of
// the importer it is compiled when it is first used: a scan never does.
var branchName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(v([0-9]+\.[0-9]+)|edge)$`)
})

// Import reads secdb (https://secdb.alpinelinux.org/): a tree of
// <branch>/main.json and <branch>/community.json, one branch of it, or a single
// document:
//
//	{distroversion, packages: [{pkg: {name, secfixes: {fixed version: [ids]}}}]}
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	s := &secdb{src: src, emit: emit}
	err := s.tree(ctx)
	if err == nil && s.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not Alpine's secdb: no advisory is in it", src.Location())
	}
	return s.stats, err
}

// secdb reads a tree of documents.
type secdb struct {
	src   *feed.Source
	emit  func(advisory.Record) error
	stats feed.Stats
	last  string // branch of the document that was read last
}

func (s *secdb) tree(ctx context.Context) error {
	names, err := s.src.List(ctx)
	if errors.Is(err, feed.ErrNotTree) {
		return s.document(ctx, "", "")
	}
	if err != nil {
		return err
	}
	branches := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !branchName().MatchString(name) })
	if len(branches) == 0 {
		return s.branch(ctx, "")
	}
	for _, branch := range branches {
		if err := s.branch(ctx, branch); err != nil {
			return err
		}
	}
	return nil
}

// branch reads the documents of a branch. Without main, most packages would
// seem to have no vulnerability; without community, many.
func (s *secdb) branch(ctx context.Context, branch string) error {
	where := strings.TrimSuffix(s.src.Location()+"/"+branch, "/")
	err := s.repository(ctx, branch, "main")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no main.json: %w", where, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	err = s.repository(ctx, branch, "community")
	if errors.Is(err, fs.ErrNotExist) {
		if !withoutCommunity(s.last) {
			s.stats.Report(where, "there is no community.json: nothing will be known of the packages of that repository")
		}
		return nil
	}
	return err
}

// withoutCommunity tells whether a branch is older than the repository
// community, which Alpine 3.3 introduced.
func withoutCommunity(branch string) bool {
	return slices.Contains([]string{"v2.1", "v2.2", "v2.3", "v2.4", "v2.5", "v2.6", "v2.7", "v3.0", "v3.1", "v3.2"}, branch)
}

func (s *secdb) repository(ctx context.Context, branch, repository string) (err error) {
	for _, ext := range []string{".json", ".json.gz"} {
		name := repository + ext
		if branch != "" {
			name = branch + "/" + name
		}
		if err = s.document(ctx, name, branch); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// document reads a document, which must be one of the branch unless that is
// empty.
func (s *secdb) document(ctx context.Context, name, branch string) (err error) {
	doc, err := s.src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	d := &document{secdb: s, name: doc.Name(), branch: branch, json: feed.NewJSON(doc)}
	isObject, err := d.json.Object(d.member)
	if err == nil {
		err = d.json.Finish()
	}
	switch {
	case err != nil:
		return err
	case !isObject || !d.hasPackages:
		return fmt.Errorf("%s: this is not a document of Alpine's secdb: it has no packages", d.name)
	case d.branch == "":
		return fmt.Errorf("%s: it does not say before its packages which branch it is for", d.name)
	}
	s.last = d.branch
	return nil
}

// document is a document while it is read.
type document struct {
	*secdb
	name, branch string
	json         *feed.JSON
	hasPackages  bool
}

// pkg is an element of packages. What a secfix holds is looked at one by one:
// a list that is none must not take the others with it.
type pkg struct {
	Pkg struct {
		Name     string         `json:"name"`
		Secfixes map[string]any `json:"secfixes"`
	} `json:"pkg"`
}

func (d *document) member(key string) error {
	switch key {
	case "distroversion":
		return d.readBranch()
	case "packages":
		d.hasPackages = true
		// An empty branch has null here.
		_, err := d.json.Array(d.element)
		return err
	}
	return d.json.Skip()
}

func (d *document) readBranch() error {
	var branch string
	if _, err := d.json.Decode(&branch); err != nil {
		return err
	}
	if !branchName().MatchString(branch) {
		return fmt.Errorf("%s: there is no branch %q", d.name, branch)
	}
	if d.branch != "" && d.branch != branch {
		return fmt.Errorf("%s: it says that it is for the branch %s", d.name, branch)
	}
	d.branch = branch
	return nil
}

func (d *document) element(i int) error {
	var p pkg
	fits, err := d.json.Decode(&p)
	if err != nil {
		return err
	}
	if !fits || p.Pkg.Name == "" {
		d.stats.Report(fmt.Sprintf("%s: packages[%d]", d.name, i), "it has no name, or its members are not what secdb has")
		return nil
	}
	for _, version := range slices.Sorted(maps.Keys(p.Pkg.Secfixes)) {
		where := fmt.Sprintf("%s: %s/%s", d.name, p.Pkg.Name, version)
		entries, ok := p.Pkg.Secfixes[version].([]any)
		if !ok && p.Pkg.Secfixes[version] != nil {
			d.stats.Report(where, "there is no list of ids")
		}
		for _, entry := range entries {
			if err := d.fix(where, p.Pkg.Name, version, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// fix hands on what one entry of secfixes says.
func (d *document) fix(where, name, version string, entry any) error {
	text, _ := entry.(string)
	ids, aliases := parseIDs(text)
	if len(ids) == 0 {
		d.stats.Report(where, "there is no id in %q", fmt.Sprint(entry))
		return nil
	}
	if d.branch == "" {
		return nil // An error at the end of the document.
	}
	for _, id := range ids {
		rec := advisory.Record{
			ID: id, Distro: ID, Release: strings.TrimPrefix(d.branch, "v"),
			Package: name, Kind: advisory.Source,
			Status: advisory.StatusFixed, Fixed: version, Aliases: slices.Clone(aliases),
		}
		if strings.HasPrefix(id, "CVE-") {
			rec.URL = vulnerabilityPage + id
		}
		if err := d.emit(rec); err != nil {
			return err
		}
		d.stats.Rows++
	}
	return nil
}
