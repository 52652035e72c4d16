package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
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
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	base := s.remote.JoinPath("/") // With a final slash, for the links.
	body, _, err := get(ctx, s.client, base, "")
	if err != nil {
		return nil, s.wrap("", fmt.Errorf("list what is there: %w", err))
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	page, _, err := decompress(limit(body, maxIndex, "fetched"))
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

// links gives what the page's links point to.
func links(page io.Reader) ([]string, error) {
	var hrefs []string
	z := html.NewTokenizer(page)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return hrefs, nil
			}
			return nil, z.Err()
		case html.StartTagToken:
			name, more := z.TagName()
			for isLink := string(name) == "a"; isLink && more; {
				var key, value []byte
				if key, value, more = z.TagAttr(); string(key) == "href" {
					hrefs = append(hrefs, string(value))
				}
			}
		}
	}
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
