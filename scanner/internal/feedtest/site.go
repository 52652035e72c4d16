package feedtest

import (
	"crypto/sha256"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// answer serves one request in its own way, given the body that is due.
type answer func(w http.ResponseWriter, r *http.Request, body []byte)

// site is a local server with a vendor's documents.
type site struct {
	*httptest.Server
	pages map[string][]byte

	mu      sync.Mutex
	special map[string]answer // by path
	status  map[int]int       // how often each status was answered
}

// serve starts a server for the time of the test. Folders without a page of
// their own get one that lists what is in them.
func serve(t testing.TB, pages map[string][]byte) *site {
	t.Helper()
	s := &site{pages: withIndexes(pages), status: map[int]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

// base is the address that stands for the feed's own: that of the main
// document if the feed's address is one of a document, or else the root. An
// address is one of a document if it ends in the main document's name, or in a
// name with an ending.
func (s *site) base(f feed.Feed, main string) string {
	u, err := url.Parse(f.URL)
	if err != nil {
		return s.URL
	}
	last := path.Base(u.Path)
	ext := strings.TrimPrefix(path.Ext(last), ".")
	if last == path.Base(main) || ext != "" && strings.Trim(ext[:1], "0123456789") != "" {
		return s.URL + main
	}
	return s.URL
}

// answers replaces how the server answers for a path, and forgets the counts.
func (s *site) answers(path string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.special, s.status = map[string]answer{path: a}, map[int]int{}
}

// answered tells how often each status was answered since the last call.
func (s *site) answered() map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.status
	s.status = map[int]int{}
	return got
}

func (s *site) handle(w http.ResponseWriter, r *http.Request) {
	body, found := s.pages[r.URL.Path]
	s.mu.Lock()
	a := s.special[r.URL.Path]
	s.mu.Unlock()
	recorder := &statusRecorder{w, http.StatusOK}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.status[recorder.status]++
	}()
	switch {
	case a != nil:
		a(recorder, r, body)
	case found:
		whole(recorder, r, body)
	default:
		http.NotFound(recorder, r)
	}
}

// whole answers as a good server does.
func whole(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	http.ServeContent(w, r, "", time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), strings.NewReader(string(body)))
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// withIndexes adds to a site the pages that list its folders.
func withIndexes(pages map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	lists := map[string][]string{}
	for name, body := range pages {
		all[name] = body
		for dir, last := path.Split(name); ; {
			if !slices.Contains(lists[dir], last) {
				lists[dir] = append(lists[dir], last)
			}
			if dir == "/" {
				break
			}
			dir, last = path.Split(strings.TrimSuffix(dir, "/"))
			last += "/"
		}
	}
	for dir, names := range lists {
		if _, ok := all[dir]; ok {
			continue
		}
		slices.Sort(names)
		var page strings.Builder
		for _, name := range names {
			fmt.Fprintf(&page, "<a href=\"%s\">%s</a>\n", url.PathEscape(strings.TrimSuffix(name, "/")), html.EscapeString(name))
		}
		all[dir] = []byte(page.String())
	}
	return all
}
