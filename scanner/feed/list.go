package feed

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ErrNotTree is returned by List for a source that is one document.
var ErrNotTree = errors.New("one document and not a tree of them")

// maxIndex is the size of the largest page that is read as a list of files.
const maxIndex = 4 << 20

// List gives the sorted names directly below the source: the entries of a
// directory, or the links of the page at an address. It returns ErrNotTree for
// a file, and for an address that ends in .json, compressed or not.
func (s *Source) List(ctx context.Context) ([]string, error) {
	if s.remote != nil {
		return s.listRemote(ctx)
	}
	info, err := os.Stat(s.location)
	if err != nil {
		return nil, s.wrap("", err)
	}
	if !info.IsDir() {
		return nil, ErrNotTree
	}
	entries, err := os.ReadDir(s.location)
	if err != nil {
		return nil, s.wrap("", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (s *Source) listRemote(ctx context.Context) (names []string, err error) {
	if path.Ext(plainName(s.remote.Path)) == ".json" {
		return nil, ErrNotTree
	}
	base := s.remote.JoinPath("/") // With a final slash, for the links.
	body, _, err := s.fetch(ctx, listing, maxIndex)
	if err != nil {
		return nil, s.wrap("", fmt.Errorf("list what is there: %w", err))
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	page, _, err := decompress(body)
	if err != nil {
		return nil, s.wrap("", err)
	}
	hrefs, err := links(limit(page, maxIndex, "unpacked"))
	if err != nil {
		return nil, s.wrap("", err)
	}
	for _, href := range hrefs {
		if name, ok := child(base, href); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// link finds the links of a page of HTML: the href of an a, in quotes or not. It
// skips comments. An HTML parser is not worth its price here: the tables of
// golang.org/x/net/html are filled at the start of every scan.
var link = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<!--.*?-->|<a(?:\s(?:[^>"']|"[^"]*"|'[^']*')*?)?\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
})

// links gives what the page's links point to.
func links(page io.Reader) ([]string, error) {
	text, err := io.ReadAll(page)
	if err != nil {
		return nil, err
	}
	var hrefs []string
	for _, m := range link().FindAllSubmatch(text, -1) {
		if href := slices.Concat(m[1:]...); len(href) > 0 {
			hrefs = append(hrefs, html.UnescapeString(string(href)))
		}
	}
	return hrefs, nil
}

// child gives the name of a link that points directly below base.
func child(base *url.URL, href string) (string, bool) {
	u, err := base.Parse(href)
	if err != nil || u.Host != base.Host {
		return "", false
	}
	name, below := strings.CutPrefix(u.Path, base.Path)
	name = strings.TrimSuffix(name, "/")
	if !below || name == "" || strings.Contains(name, "/") || !fs.ValidPath(name) {
		return "", false
	}
	return name, true
}
