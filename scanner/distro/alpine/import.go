package alpine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/secdb"
)

// vulnerabilityPage is where Alpine describes a CVE.
const vulnerabilityPage = "https://security.alpinelinux.org/vuln/"

// branchName is the name of a branch's folder in secdb. It is compiled when it
// is first used: a scan never does.
var branchName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(v([0-9]+\.[0-9]+)|edge)$`)
})

// Import reads secdb (https://secdb.alpinelinux.org/): a tree of
// <branch>/main.json and <branch>/community.json, one branch of it, or a single
// document.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	t := &tree{src: src, emit: emit}
	err := t.read(ctx)
	if err == nil && t.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not Alpine's secdb: no advisory is in it", src.Location())
	}
	return t.stats, err
}

// tree reads a tree of documents.
type tree struct {
	src   *feed.Source
	emit  func(advisory.Record) error
	stats feed.Stats
	last  string // branch of the document that was read last
}

func (t *tree) read(ctx context.Context) error {
	names, err := t.src.List(ctx)
	if errors.Is(err, feed.ErrNotTree) {
		return t.document(ctx, "", "")
	}
	if err != nil {
		return err
	}
	branches := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !branchName().MatchString(name) })
	if len(branches) == 0 {
		return t.branch(ctx, "")
	}
	for _, branch := range branches {
		if err := t.branch(ctx, branch); err != nil {
			return err
		}
	}
	return nil
}

// branch reads the documents of a branch. Without main, most packages would
// seem to have no vulnerability; without community, many.
func (t *tree) branch(ctx context.Context, branch string) error {
	where := strings.TrimSuffix(t.src.Location()+"/"+branch, "/")
	err := t.repository(ctx, branch, "main")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no main.json: %w", where, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	err = t.repository(ctx, branch, "community")
	if errors.Is(err, fs.ErrNotExist) {
		if !withoutCommunity(t.last) {
			t.stats.Report(where, "there is no community.json: nothing will be known of the packages of that repository")
		}
		return nil
	}
	return err
}

// withoutCommunity tells whether a branch is older than the repository
// community, which Alpine 3.3 introduced.
func withoutCommunity(branch string) bool {
	number, isNumber := strings.CutPrefix(branch, "v")
	return isNumber && compareBranches(number, "3.3") < 0
}

func (t *tree) repository(ctx context.Context, branch, repository string) (err error) {
	for _, ext := range []string{".json", ".json.gz"} {
		name := repository + ext
		if branch != "" {
			name = branch + "/" + name
		}
		if err = t.document(ctx, name, branch); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// document reads a document, which must be one of the branch unless that is
// empty.
func (t *tree) document(ctx context.Context, name, branch string) (err error) {
	doc, err := t.src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	r := &secdb.Reader{Record: advisory.Record{Distro: ID}, Page: vulnerabilityPage, Emit: t.emit, Stats: &t.stats}
	r.Start = func(h secdb.Header) error {
		if err := checkBranch(h.Distroversion, branch); err != nil {
			return err
		}
		t.last = h.Distroversion
		r.Record.Release = strings.TrimPrefix(h.Distroversion, "v")
		return nil
	}
	return r.Read(doc)
}

// checkBranch tells what is wrong with the branch that a document states, if it
// is found where there should be one of the branch want.
func checkBranch(stated, want string) error {
	switch {
	case stated == "":
		return errors.New("it does not say which branch it is for")
	case !branchName().MatchString(stated):
		return fmt.Errorf("there is no branch %q", stated)
	case want != "" && stated != want:
		return fmt.Errorf("it says that it is for the branch %s", stated)
	}
	return nil
}
